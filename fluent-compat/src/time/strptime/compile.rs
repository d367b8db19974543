//! From a format's text to its steps.

use super::super::civil::MAX_YEAR_DIGITS;
use super::{ALL_DIGITS, EpochUnit, Number, NumberField, Step};

/// Why a `time_format` cannot be used for reading.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::time) enum FormatError {
    /// Such a directive does not exist.
    UnknownDirective(String),
    /// There is nothing in it that would say a time.
    NoTime,
}

pub(super) fn compile(format: &str) -> Result<Vec<Step>, FormatError> {
    let mut compiler = Compiler {
        dialect: Dialect::of(format),
        steps: Vec::new(),
    };
    compiler.format(format)?;
    let says_time = |step: &Step| !matches!(step, Step::Literal(_) | Step::Blanks);
    if !compiler.steps.iter().any(says_time) {
        return Err(FormatError::NoTime);
    }
    Ok(compiler.steps)
}

/// Which of Fluentd's two readers takes a format.
#[derive(Clone, Copy, PartialEq)]
enum Dialect {
    /// The strptime gem.
    Gem,
    /// `Time.strptime`, for what the gem does not know.
    Ruby,
}

impl Dialect {
    fn of(format: &str) -> Dialect {
        let mut directives = format.split('%').skip(1);
        let known = |c: char| "BHMNSYbdehmnyz".contains(c);
        if directives.all(|directive| directive.starts_with(known)) {
            Dialect::Gem
        } else {
            Dialect::Ruby
        }
    }
}

struct Compiler {
    dialect: Dialect,
    steps: Vec<Step>,
}

impl Compiler {
    fn format(&mut self, format: &str) -> Result<(), FormatError> {
        let mut rest = format;
        while let Some(char) = rest.chars().next() {
            if char == '%' {
                rest = self.directive(rest)?;
            } else if char.is_ascii_whitespace() || char == '\x0b' {
                self.push(Step::Blanks);
                rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
            } else {
                let (literal, after) = rest.split_at(char.len_utf8());
                self.literal(literal);
                rest = after;
            }
        }
        Ok(())
    }

    /// Compiles the directive at whose `%` the text begins; returns what follows it.
    fn directive<'f>(&mut self, text: &'f str) -> Result<&'f str, FormatError> {
        let mut chars = text.chars();
        chars.next();
        let mut letter = chars.next();
        if let Some(modifier @ ('E' | 'O')) = letter {
            let allowed = if modifier == 'E' {
                "cCxXyY"
            } else {
                "deHImMSuUVwWy"
            };
            letter = chars.next().filter(|letter| allowed.contains(*letter));
        } else if letter == Some(':') {
            chars = chars.as_str().trim_start_matches(':').chars();
            letter = chars.next().filter(|letter| *letter == 'z');
        }
        let after = chars.as_str();
        let known = letter.is_some_and(|letter| self.letter(letter, after));
        if known {
            return Ok(after);
        }
        Err(FormatError::UnknownDirective(
            text.trim_end_matches(after).to_owned(),
        ))
    }

    /// Puts down the steps of a directive; false if there is none of this letter.
    fn letter(&mut self, letter: char, after: &str) -> bool {
        use NumberField as N;
        let ruby = self.dialect == Dialect::Ruby;
        let last_hour = if ruby { 24 } else { 23 };
        // Where a number follows, Ruby keeps to the usual digits.
        let open = ruby && !begins_with_number(after);
        let width = |usual: usize| if open { ALL_DIGITS } else { usual };
        let step = match letter {
            'a' | 'A' => Step::WeekdayName,
            'b' | 'B' | 'h' => Step::MonthName,
            'c' => return self.group("%a %b %e %H:%M:%S %Y"),
            'C' => number(N::Century, 2, 0, 99),
            'd' | 'e' => blank_number(N::Day, 1, 31, ruby),
            'D' | 'x' => return self.group("%m/%d/%y"),
            'F' => return self.group("%Y-%m-%d"),
            'g' => number(N::IsoYearOfCentury, 2, 0, 99),
            'G' => number(N::IsoYear, 4, 0, 9999),
            'H' | 'k' => blank_number(N::Hour, 0, last_hour, ruby),
            'I' | 'l' => blank_number(N::Hour, 1, 12, ruby),
            'j' => number(N::DayOfYear, 3, 1, 366),
            'L' => Step::Fraction { width: width(3) },
            'm' => number(N::Month, 2, 1, 12),
            'M' => number(N::Minute, 2, 0, 59),
            'n' | 't' => Step::Blanks,
            'N' => Step::Fraction { width: width(9) },
            'p' | 'P' => Step::Meridian,
            'Q' => Step::Epoch {
                unit: EpochUnit::Milliseconds,
            },
            'r' => return self.group("%I:%M:%S %p"),
            'R' => return self.group("%H:%M"),
            's' => Step::Epoch {
                unit: EpochUnit::Seconds,
            },
            'S' => number(N::Second, 2, 0, 60),
            'T' | 'X' => return self.group("%H:%M:%S"),
            'u' => number(N::WeekdayFromMonday, 1, 1, 7),
            'U' => number(N::WeekFromSunday, 2, 0, 53),
            'v' => return self.group("%e-%b-%Y"),
            'V' => number(N::IsoWeek, 2, 1, 53),
            'w' => number(N::WeekdayFromSunday, 1, 0, 6),
            'W' => number(N::WeekFromMonday, 2, 0, 53),
            'y' => number(N::YearOfCentury, 2, 0, 99),
            'Y' => Step::Year {
                width: width(4).min(MAX_YEAR_DIGITS),
            },
            'z' | 'Z' if ruby => Step::Zone,
            'z' => Step::Offset,
            '+' => return self.group("%a %b %e %H:%M:%S %Z %Y"),
            '%' => {
                self.literal("%");
                return true;
            }
            _ => return false,
        };
        self.push(step);
        true
    }

    fn group(&mut self, format: &str) -> bool {
        self.format(format).is_ok()
    }

    fn literal(&mut self, text: &str) {
        match self.steps.last_mut() {
            Some(Step::Literal(bytes)) => bytes.extend_from_slice(text.as_bytes()),
            _ => self.steps.push(Step::Literal(text.as_bytes().to_vec())),
        }
    }

    fn push(&mut self, step: Step) {
        self.steps.push(step);
    }
}

fn number(field: NumberField, width: usize, min: u32, max: u32) -> Step {
    Step::Number(Number {
        field,
        width,
        min,
        max,
        blank: false,
    })
}

fn blank_number(field: NumberField, min: u32, max: u32, blank: bool) -> Step {
    Step::Number(Number {
        field,
        width: 2,
        min,
        max,
        blank,
    })
}

/// Whether a digit or a directive that reads digits stands here.
fn begins_with_number(format: &str) -> bool {
    let after = match format.strip_prefix('%') {
        None => return format.starts_with(|c: char| c.is_ascii_digit()),
        Some(after) => after.strip_prefix(['E', 'O']).unwrap_or(after),
    };
    after
        .starts_with(|c: char| c.is_ascii_digit() || "CDdeFgGHIjkLlMmNQRrSsTUuVvWwXxYy".contains(c))
}
