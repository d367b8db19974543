//! `"#{…}"`: the few Ruby expressions that configurations really use.
//!
//! Fluentd runs any Ruby. We know a fixed list and refuse the rest: code is never run and
//! never silently kept as text.

use std::collections::BTreeMap;

/// What the code may be told of the host.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    hostname: String,
    worker_id: String,
}

impl Environment {
    /// A host of that name without any variables; `worker_id` is empty, as it is to Fluentd
    /// without workers.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            ..Self::default()
        }
    }

    /// With these environment variables as well.
    #[must_use]
    pub fn with_variables(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        self.variables.extend(variables);
        self
    }

    /// The environment variable of that name, for parameters whose default is one.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// With that number for `worker_id`.
    #[must_use]
    pub fn with_worker_id(mut self, worker_id: impl Into<String>) -> Self {
        self.worker_id = worker_id.into();
        self
    }
}

/// What a piece of code comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Evaluated {
    /// A piece of text; Ruby's nil is an empty one.
    Text(String),
    /// `use_nil`: the whole value is nil.
    UseNil,
    /// `use_default`: the whole value is the parameter's default.
    UseDefault,
}

/// Why a piece of code has no value for us.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum EmbeddedError {
    /// The code itself is not repeated: it may be about a secret.
    #[error("this embedded code is not known here, and none is ever run; allowed are {ALLOWED}")]
    Unknown,
    #[error("environment variable {name} is not set, and `ENV.fetch` is given no default")]
    Unset { name: String },
}

/// In the words of our messages.
const ALLOWED: &str = "ENV['NAME'], ENV.fetch('NAME', 'default'), Socket.gethostname, hostname, \
     worker_id, use_nil, use_default, quoted texts and whole numbers, alone or joined by ||";

/// Evaluates the text between `#{` and `}`.
pub(super) fn evaluate(code: &str, environment: &Environment) -> Result<Evaluated, EmbeddedError> {
    let terms = Code { rest: code }.terms().ok_or(EmbeddedError::Unknown)?;
    for term in terms {
        match term {
            Term::UseNil => return Ok(Evaluated::UseNil),
            Term::UseDefault => return Ok(Evaluated::UseDefault),
            Term::Nil => {}
            Term::Text(text) => return Ok(Evaluated::Text(text)),
            Term::Hostname => return Ok(Evaluated::Text(environment.hostname.clone())),
            Term::WorkerId => return Ok(Evaluated::Text(environment.worker_id.clone())),
            Term::Variable(name) => {
                // A variable that is set to nothing is a value to Ruby.
                if let Some(value) = environment.variables.get(&name) {
                    return Ok(Evaluated::Text(value.clone()));
                }
            }
            Term::Fetch { name, default } => {
                let value = environment.variables.get(&name).cloned().or(default);
                return value
                    .map(Evaluated::Text)
                    .ok_or(EmbeddedError::Unset { name });
            }
        }
    }
    Ok(Evaluated::Text(String::new()))
}

/// How many bytes the code takes that `rest` begins with, up to but without its closing
/// brace. It has to close on its line.
pub(super) fn code_len(rest: &str) -> Option<usize> {
    let mut open_braces = 0_usize;
    let mut quote = None;
    let mut is_escaped = false;
    for (at, character) in rest.char_indices() {
        match (quote, character) {
            (_, '\n' | '\r') => return None,
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => open_braces += 1,
            (None, '}') if open_braces == 0 => return Some(at),
            (None, '}') => open_braces -= 1,
            (None, _) => {}
        }
    }
    None
}

/// One operand of `||`.
enum Term {
    Variable(String),
    Fetch {
        name: String,
        default: Option<String>,
    },
    Text(String),
    Hostname,
    WorkerId,
    UseNil,
    UseDefault,
    Nil,
}

/// A reader of code. Its methods give `None` for what is not on the list.
struct Code<'c> {
    rest: &'c str,
}

impl Code<'_> {
    fn terms(mut self) -> Option<Vec<Term>> {
        self.skip_blanks();
        if self.rest.is_empty() {
            return Some(Vec::new());
        }
        let mut terms = vec![self.term()?];
        while self.eat("||") {
            terms.push(self.term()?);
        }
        self.rest.is_empty().then_some(terms)
    }

    fn term(&mut self) -> Option<Term> {
        self.skip_blanks();
        if self.rest.starts_with(['\'', '"']) {
            return self.quoted().map(Term::Text);
        }
        let digits = self.take_while(|character| character.is_ascii_digit());
        if !digits.is_empty() {
            return Some(Term::Text(digits));
        }
        let word = self
            .take_while(|character| character.is_ascii_alphanumeric() || "_.".contains(character));
        match word.as_str() {
            "ENV" => self.variable(),
            "ENV.fetch" => self.fetch(),
            "Socket.gethostname" | "hostname" => Some(Term::Hostname),
            "worker_id" => Some(Term::WorkerId),
            "use_nil" => Some(Term::UseNil),
            "use_default" => Some(Term::UseDefault),
            "nil" => Some(Term::Nil),
            _ => None,
        }
    }

    fn variable(&mut self) -> Option<Term> {
        let name = self.eat("[").then(|| self.quoted())??;
        self.eat("]").then_some(Term::Variable(name))
    }

    fn fetch(&mut self) -> Option<Term> {
        let name = self.eat("(").then(|| self.quoted())??;
        let default = if self.eat(",") {
            Some(self.default()?)
        } else {
            None
        };
        self.eat(")").then_some(Term::Fetch { name, default })
    }

    fn default(&mut self) -> Option<String> {
        let digits = self.take_while(|character| character.is_ascii_digit());
        if digits.is_empty() {
            self.quoted()
        } else {
            Some(digits)
        }
    }

    /// A quoted text with no more escapes than a quote or a back-slash needs.
    fn quoted(&mut self) -> Option<String> {
        let mut characters = self.rest.chars();
        let quote = characters
            .next()
            .filter(|first| ['\'', '"'].contains(first))?;
        let mut text = String::new();
        loop {
            match characters.next()? {
                '\\' => {
                    text.push(
                        characters
                            .next()
                            .filter(|next| *next == quote || *next == '\\')?,
                    );
                }
                // Code in the text of code is beyond the list.
                '#' if quote == '"' && characters.as_str().starts_with('{') => return None,
                character if character == quote => break,
                character => text.push(character),
            }
        }
        self.rest = characters.as_str();
        self.skip_blanks();
        Some(text)
    }

    fn take_while(&mut self, matches: impl Fn(char) -> bool) -> String {
        let after = self.rest.trim_start_matches(&matches);
        let taken = self.rest.strip_suffix(after).unwrap_or_default().to_owned();
        self.rest = after;
        self.skip_blanks();
        taken
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(symbol) else {
            return false;
        };
        self.rest = rest;
        self.skip_blanks();
        true
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(code: &str) -> Result<String, EmbeddedError> {
        let variables =
            [("SET", "value"), ("EMPTY", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let environment = Environment::new("box")
            .with_variables(variables)
            .with_worker_id("0");
        match evaluate(code, &environment)? {
            Evaluated::Text(text) => Ok(text),
            special => Ok(format!("{special:?}")),
        }
    }

    #[test]
    fn what_is_on_the_list_has_a_value() {
        for (code, value) in [
            ("ENV['SET']", "value"),
            (" ENV[ \"SET\" ] ", "value"),
            ("ENV['MISSING']", ""),
            ("ENV['MISSING'] || 'it\\'s'", "it's"),
            ("ENV['EMPTY'] || 'dflt'", ""),
            ("ENV['MISSING']||ENV['SET']||'x'", "value"),
            ("ENV['MISSING'] || 8888", "8888"),
            ("ENV['MISSING'] || nil", ""),
            ("ENV.fetch('SET')", "value"),
            ("ENV.fetch(\"MISSING\", \"zz\")", "zz"),
            ("ENV.fetch('MISSING', 24224)", "24224"),
            ("Socket.gethostname", "box"),
            ("hostname", "box"),
            ("worker_id", "0"),
            ("ENV['SET'] || use_nil", "value"),
            ("ENV['MISSING'] || use_nil", "UseNil"),
            ("use_default", "UseDefault"),
            ("", ""),
        ] {
            assert_eq!(text(code).as_deref(), Ok(value), "{code}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_the_list() {
        for code in [
            "1 + 2",
            "`id`",
            "ENV['SET'].downcase",
            "ENV['SET'] || ",
            "ENV[SET]",
            "ENV['a' 'b']",
            "system('true')",
            "\"#{ENV['SET']}\"",
            "hostname; 1",
            "ENV['SET'] || use_nils",
            "'\\n'",
        ] {
            assert_eq!(text(code), Err(EmbeddedError::Unknown), "{code}");
        }
        assert!(EmbeddedError::Unknown.to_string().contains("ENV['NAME']"));
    }

    #[test]
    fn a_fetch_without_default_needs_its_variable() {
        let error = text("ENV.fetch('MISSING')").unwrap_err();
        assert_eq!(
            error,
            EmbeddedError::Unset {
                name: "MISSING".into()
            }
        );
    }

    #[test]
    fn code_ends_at_its_own_brace() {
        assert_eq!(code_len("ENV['}'] || \"}\"} rest }"), Some(15));
        assert_eq!(code_len("ENV.map { |k| k }}"), Some(17));
        assert_eq!(code_len("ENV['A'\n}"), None);
        assert_eq!(code_len("'}"), None);
    }
}
