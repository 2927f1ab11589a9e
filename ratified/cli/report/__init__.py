"""Reports: what was checked, as text, JSON, JUnit, SARIF or GitHub annotations.

Guarantees: rendering is pure; the same checks give the same report; nothing here decides anything that a `Result` does not say.
The formats are described in docs/reports.md.
"""
