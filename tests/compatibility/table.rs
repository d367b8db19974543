//! `docs/compatibility.md` as rows.

use std::fmt;

/// A line of the document.
pub(crate) enum Line {
    /// A parameter, and the heading above it.
    Row(String, Row),
    /// Anything else.
    Text(String),
}

/// One parameter.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) here: Here,
    /// What was tried.
    pub(crate) value: String,
    pub(crate) remark: String,
}

/// What becomes of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    Differs,
    NoEffect,
    Refused,
    /// Nobody reads it, though Fluentd knows it.
    Unknown,
    Works,
}

const NAMES: [(&str, Here); 5] = [
    ("differs", Here::Differs),
    ("no effect", Here::NoEffect),
    ("refused", Here::Refused),
    ("unknown", Here::Unknown),
    ("works", Here::Works),
];

impl fmt::Display for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, here)| here == self);
        f.write_str(name.map_or("unknown", |(name, _)| name))
    }
}

impl Row {
    /// As it stands in a configuration.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.name, self.value)
    }

    fn read(line: &str) -> Option<Self> {
        // A bar within a cell is escaped.
        let line = line.replace("\\|", "\u{0}");
        let cells: Vec<_> = line
            .split('|')
            .map(|cell| cell.trim().replace('\u{0}', "|"))
            .collect();
        let [_, name, here, value, remark, _] = &cells[..] else {
            return None;
        };
        let (_, here) = NAMES.iter().find(|(name, _)| name == here)?;
        let code = |cell: &str| cell.strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
        Some(Self {
            name: code(name)?,
            here: *here,
            value: code(value)?,
            remark: remark.replace('|', "\\|"),
        })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            here,
            value,
            remark,
        } = self;
        let value = value.replace('|', "\\|");
        write!(f, "| `{name}` | {here} | `{value}` | {remark}")?;
        f.write_str(if remark.is_empty() { "|" } else { " |" })
    }
}

pub(crate) fn read(text: &str) -> Vec<Line> {
    let mut heading = String::new();
    let mut lines = Vec::new();
    for line in text.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            text.clone_into(&mut heading);
        }
        lines.push(match Row::read(line) {
            Some(row) => Line::Row(heading.clone(), row),
            None => Line::Text(line.to_owned()),
        });
    }
    lines
}

pub(crate) fn written(lines: &[Line]) -> String {
    let line = |line: &Line| match line {
        Line::Row(_, row) => format!("{row}\n"),
        Line::Text(text) => format!("{text}\n"),
    };
    lines.iter().map(line).collect()
}
