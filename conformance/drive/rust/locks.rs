//! The lock of conformance/drive/locks.py. With `broken` anybody who asks gives it back.

#[allow(dead_code)]
mod ratified_drive;

use ratified_drive::{serve, Arguments, Json, NotDone, System};

#[derive(Default)]
struct Locks {
    broken: bool,
    holder: Option<String>,
    grants: i64,
    waiting: Vec<String>,
}

impl Locks {
    fn grant(&mut self, client: String) {
        self.holder = Some(client);
        self.grants += 1;
    }
}

fn require(condition: bool) -> Result<(), NotDone> {
    if condition {
        Ok(())
    } else {
        Err(NotDone::Refused("not now".to_string()))
    }
}

impl System for Locks {
    fn reset(&mut self, _: &Arguments) -> Result<(), NotDone> {
        *self = Locks { broken: self.broken, ..Locks::default() };
        Ok(())
    }

    fn take(&mut self, action: &str, arguments: &Arguments) -> Result<(), NotDone> {
        let client = arguments.get("c").and_then(Json::text).unwrap_or_default().to_string();
        let holds = self.holder.as_deref() == Some(&client);
        let waits = self.waiting.contains(&client);
        match action {
            "acquire" => {
                require(self.holder.is_none())?;
                self.grant(client);
            }
            "wait" => {
                require(self.holder.is_some() && !holds && !waits)?;
                self.waiting.push(client);
            }
            "release" => {
                require(holds || (self.broken && !self.waiting.is_empty()))?;
                self.holder = None;
                if !self.waiting.is_empty() {
                    let next = self.waiting.remove(0);
                    self.grant(next);
                }
            }
            "give_up" => {
                require(waits)?;
                self.waiting.retain(|other| *other != client);
            }
            _ => return Err(NotDone::Cannot(format!("there is no {action}"))),
        }
        Ok(())
    }

    fn observe(&self) -> Json {
        let texts = |names: &[String]| names.iter().cloned().map(Json::Text).collect();
        Json::object([
            ("holder", self.holder.clone().map_or(Json::Null, Json::Text)),
            ("grants", Json::Int(self.grants)),
            ("waiting", Json::List(texts(&self.waiting))),
        ])
    }
}

fn main() -> std::io::Result<()> {
    serve(Locks { broken: std::env::args().any(|a| a == "broken"), ..Locks::default() })
}
