//! Lets Ratified drive a system in Rust along a model; the protocol is in docs/drive-protocol.md. The standard library, nothing
//! else: copy this file, implement `System` and call `serve`.
//!
//! Standard output belongs to the protocol; what the system has to say goes to standard error (`eprintln!`).

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, Write};
use std::iter::Peekable;
use std::str::Chars;

/// The version that is spoken.
pub const PROTOCOL: i64 = 1;

/// A value of JSON, without fractions, which the protocol does not have.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    List(Vec<Json>),
    Object(BTreeMap<String, Json>),
}

pub type Arguments = BTreeMap<String, Json>;

/// Why something was not done.
pub enum NotDone {
    /// The system does not do it.
    Refused(String),
    /// There is no way to ask for it here.
    Cannot(String),
    /// The system failed.
    Failed(String),
}

/// What is driven.
pub trait System {
    /// Begin anew.
    fn reset(&mut self, arguments: &Arguments) -> Result<(), NotDone>;
    /// Do what an action of the model does.
    fn take(&mut self, action: &str, arguments: &Arguments) -> Result<(), NotDone>;
    /// What is compared with the model's state, by variable.
    fn observe(&self) -> Json;
    /// What the answer to hello says besides: `{"cannot": {"expire": "its clock cannot be moved"}}`.
    fn hello(&self) -> Arguments {
        Arguments::new()
    }
}

impl Json {
    /// An object of its fields.
    pub fn object<const N: usize>(fields: [(&str, Json); N]) -> Json {
        Json::Object(IntoIterator::into_iter(fields).map(|(name, value)| (name.to_string(), value)).collect())
    }

    /// The text that it is, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Answer requests until bye, or the end of the input.
pub fn serve<S: System>(mut system: S) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let request = match parse(&line) {
            Some(Json::Object(request)) => request,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a request cannot be read: {line}"))),
        };
        let mut answer = answered(&mut system, &request);
        answer.insert("id".to_string(), request.get("id").cloned().unwrap_or(Json::Null));
        writeln!(out, "{}", Json::Object(answer))?;
        out.flush()?;
        if request.contains_key("bye") {
            break;
        }
    }
    Ok(())
}

fn answered<S: System>(system: &mut S, request: &Arguments) -> Arguments {
    let one = |name: &str, value: Json| Arguments::from([(name.to_string(), value)]);
    let nothing = Arguments::new();
    let done = if request.contains_key("hello") {
        let mut hello = system.hello();
        hello.insert("protocol".to_string(), Json::Int(PROTOCOL));
        return one("hello", Json::Object(hello));
    } else if request.contains_key("bye") {
        return one("bye", Json::Object(nothing));
    } else if let Some(Json::Object(arguments)) = request.get("reset") {
        system.reset(arguments)
    } else if let Some(action) = request.get("do").and_then(Json::text) {
        match request.get("arguments") {
            Some(Json::Object(arguments)) => system.take(action, arguments),
            _ => system.take(action, &nothing),
        }
    } else {
        Ok(())
    };
    match done {
        Ok(()) => one("observed", system.observe()),
        Err(NotDone::Refused(why)) => {
            let mut answer = one("refused", Json::Text(why));
            answer.insert("observed".to_string(), system.observe());
            answer
        }
        Err(NotDone::Cannot(why)) => one("cannot", Json::Text(why)),
        Err(NotDone::Failed(why)) => one("error", Json::Text(why)),
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => write!(f, "null"),
            Json::Bool(value) => write!(f, "{value}"),
            Json::Int(value) => write!(f, "{value}"),
            Json::Text(text) => quoted(f, text),
            Json::List(items) => {
                write!(f, "[")?;
                for (n, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if n > 0 { "," } else { "" })?;
                }
                write!(f, "]")
            }
            Json::Object(fields) => {
                write!(f, "{{")?;
                for (n, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}", if n > 0 { "," } else { "" })?;
                    quoted(f, name)?;
                    write!(f, ":{value}")?;
                }
                write!(f, "}}")
            }
        }
    }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    write!(f, "\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            c if c < ' ' => write!(f, "\\u{:04x}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    write!(f, "\"")
}

/// Read a value; None if the text is none.
pub fn parse(text: &str) -> Option<Json> {
    let mut rest = text.chars().peekable();
    let value = value(&mut rest)?;
    space(&mut rest);
    rest.next().is_none().then_some(value)
}

fn space(rest: &mut Peekable<Chars>) {
    while rest.next_if(|c| c.is_ascii_whitespace()).is_some() {}
}

fn skip(rest: &mut Peekable<Chars>, wanted: char) -> bool {
    space(rest);
    rest.next_if_eq(&wanted).is_some()
}

fn value(rest: &mut Peekable<Chars>) -> Option<Json> {
    space(rest);
    match rest.peek()? {
        '{' => {
            rest.next();
            let mut fields = BTreeMap::new();
            while !skip(rest, '}') {
                if !fields.is_empty() && !skip(rest, ',') {
                    return None;
                }
                space(rest);
                let name = string(rest)?;
                if !skip(rest, ':') {
                    return None;
                }
                fields.insert(name, value(rest)?);
            }
            Some(Json::Object(fields))
        }
        '[' => {
            rest.next();
            let mut items = Vec::new();
            while !skip(rest, ']') {
                if !items.is_empty() && !skip(rest, ',') {
                    return None;
                }
                items.push(value(rest)?);
            }
            Some(Json::List(items))
        }
        '"' => string(rest).map(Json::Text),
        _ => {
            let mut word = String::new();
            while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '-') {
                word.push(c);
            }
            match word.as_str() {
                "null" => Some(Json::Null),
                "true" => Some(Json::Bool(true)),
                "false" => Some(Json::Bool(false)),
                number => number.parse().ok().map(Json::Int),
            }
        }
    }
}

fn string(rest: &mut Peekable<Chars>) -> Option<String> {
    rest.next_if_eq(&'"')?;
    let mut made = String::new();
    loop {
        match rest.next()? {
            '"' => return Some(made),
            '\\' => match rest.next()? {
                'b' => made.push('\u{8}'),
                'f' => made.push('\u{c}'),
                'n' => made.push('\n'),
                'r' => made.push('\r'),
                't' => made.push('\t'),
                'u' => {
                    let mut code = unit(rest)?;
                    if (0xd800..0xdc00).contains(&code) {
                        (rest.next()? == '\\' && rest.next()? == 'u').then_some(())?;
                        code = 0x10000 + ((code - 0xd800) << 10) + unit(rest)?.checked_sub(0xdc00)?;
                    }
                    made.push(char::from_u32(code)?);
                }
                c if "\"\\/".contains(c) => made.push(c),
                _ => return None,
            },
            c => made.push(c),
        }
    }
}

/// Four hexadecimal digits.
fn unit(rest: &mut Peekable<Chars>) -> Option<u32> {
    let mut code = 0;
    for _ in 0..4 {
        code = code * 16 + rest.next()?.to_digit(16)?;
    }
    Some(code)
}
