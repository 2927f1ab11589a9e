// Lets Ratified drive a system in JavaScript along a model; the protocol is in docs/drive-protocol.md. Node.js, nothing else.
//
//   const { drive, Refused } = require('./drive')
//   drive({
//     reset() { server = new Server() },
//     actions: { acquire({ c }) { if (!server.lock(c)) throw new Refused('held') } },
//     observe() { return { holder: server.holder } },
//   })
//
// `hello` may say what hello can: { refuses: true, cannot: { expire: 'its clock cannot be moved' } }; a function of what was asked
// ({ sizes, parameters, ... }) may, too. Standard output belongs to the protocol; what the system has to say goes to standard
// error (console.error).
'use strict'

const readline = require('node:readline')

const PROTOCOL = 1
const MEMBERS = ['hello', 'reset', 'actions', 'observe']

class Refused extends Error {} // the system does not do it
class Cannot extends Error {} // there is no way to ask for it here

async function answered(system, request) {
  if ('hello' in request) {
    const said = typeof system.hello === 'function' ? await system.hello(request.hello) : system.hello
    return { hello: { protocol: PROTOCOL, ...said } }
  }
  if ('bye' in request) return { bye: {} }
  try {
    if ('reset' in request) await system.reset(request.reset)
    if ('do' in request) {
      const action = system.actions[request.do]
      if (action === undefined) return { cannot: `the driven program has no ${request.do}` }
      await action(request.arguments)
    }
    return { observed: await system.observe() }
  } catch (problem) {
    if (problem instanceof Refused) return { refused: problem.message, observed: await system.observe() }
    if (problem instanceof Cannot) return { cannot: problem.message }
    return { error: String(problem) }
  }
}

async function drive(system) {
  const other = Object.keys(system).find((name) => !MEMBERS.includes(name))
  if (other !== undefined) {
    console.error(`what is driven has ${MEMBERS.join(', ')}, and no ${other}`)
    process.exit(1)
  }
  for await (const line of readline.createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const request = JSON.parse(line)
    process.stdout.write(JSON.stringify({ id: request.id, ...(await answered(system, request)) }) + '\n')
    if ('bye' in request) break
  }
}

module.exports = { drive, Refused, Cannot }
