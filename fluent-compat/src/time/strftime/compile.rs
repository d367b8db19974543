//! From a format's text to its items.

use super::{Case, Item, NameField, NumberField};

/// The widest a directive may be asked to be: Ruby takes more, but a path of a
/// gigabyte helps nobody.
const MAX_WIDTH: usize = 1024;

pub(super) fn compile(format: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let (literal, from_percent) = rest.split_at(at);
        push_literal(literal, &mut items);
        rest = match Directive::read(from_percent) {
            Ok((directive, after)) => {
                directive.compile(&mut items);
                after
            }
            Err(Unknown { text, after }) => {
                push_literal(text, &mut items);
                after
            }
        };
    }
    push_literal(rest, &mut items);
    items
}

/// What follows a `%` up to the directive's letter.
struct Directive {
    letter: char,
    /// Of a `%z`: how many stand before it.
    colons: u8,
    /// 0 where none is given.
    width: usize,
    fill: Option<u8>,
    /// `-`: neither the default width nor any other.
    unpadded: bool,
    /// `^`
    upper: bool,
    /// `#`
    swap_case: bool,
}

/// Text that looks like a directive and is none, and what follows it.
struct Unknown<'a> {
    text: &'a str,
    after: &'a str,
}

impl Directive {
    /// Reads a directive at the `%` at which the text begins.
    fn read(text: &str) -> Result<(Directive, &str), Unknown<'_>> {
        let mut directive = Directive {
            letter: '%',
            colons: 0,
            width: 0,
            fill: None,
            unpadded: false,
            upper: false,
            swap_case: false,
        };
        let mut chars = text.chars();
        chars.next();
        loop {
            let before = chars.as_str();
            let Some(char) = chars.next() else {
                return Err(Unknown { text, after: "" });
            };
            let after = chars.as_str();
            let unknown = || {
                let (text, after) = text.split_at(text.len() - after.len());
                Err(Unknown { text, after })
            };
            match char {
                // A flag after the width is none, in Ruby.
                '-' | '^' | '#' | '_' if directive.width > 0 => return unknown(),
                '-' => (directive.unpadded, directive.fill, directive.width) = (true, None, 0),
                '^' => directive.upper = true,
                '#' => directive.swap_case = true,
                '_' => directive.fill = Some(b' '),
                '0'..='9' => {
                    if char == '0' {
                        directive.fill = Some(b'0');
                    }
                    let digits = before.len()
                        - before
                            .trim_start_matches(|c: char| c.is_ascii_digit())
                            .len();
                    let (digits, rest) = before.split_at(digits);
                    match digits.parse() {
                        Ok(width) if width <= MAX_WIDTH => directive.width = width,
                        _ => return unknown(),
                    }
                    chars = rest.chars();
                }
                ':' => {
                    let letter = before.trim_start_matches(':');
                    let colons = before.len() - letter.len();
                    if colons > 3 || !letter.starts_with('z') {
                        return unknown();
                    }
                    directive.colons = colons as u8;
                    chars = letter.chars();
                }
                'E' if after.starts_with(['c', 'C', 'x', 'X', 'y', 'Y']) => {}
                'O' if after.starts_with(|c| "deHkIlmMSuUVwWy".contains(c)) => {}
                letter if LETTERS.contains(letter) => {
                    directive.letter = letter;
                    return Ok((directive, after));
                }
                _ => return unknown(),
            }
        }
    }

    fn compile(self, items: &mut Vec<Item>) {
        use NumberField as N;
        let item = match self.letter {
            'a' => self.name(NameField::WeekdayShort),
            'A' => self.name(NameField::Weekday),
            'b' | 'h' => self.name(NameField::MonthShort),
            'B' => self.name(NameField::Month),
            'c' => return self.group("%a %b %e %H:%M:%S %Y", items),
            'C' => self.number(N::Century, 2, b'0'),
            'd' => self.number(N::Day, 2, b'0'),
            'D' | 'x' => return self.group("%m/%d/%y", items),
            'e' => self.number(N::Day, 2, b' '),
            'F' => return self.group("%Y-%m-%d", items),
            'g' => self.number(N::IsoYearOfCentury, 2, b'0'),
            'G' => self.number(N::IsoYear, 4, b'0'),
            'H' => self.number(N::Hour, 2, b'0'),
            'I' => self.number(N::Hour12, 2, b'0'),
            'j' => self.number(N::DayOfYear, 3, b'0'),
            'k' => self.number(N::Hour, 2, b' '),
            'l' => self.number(N::Hour12, 2, b' '),
            'L' => Item::Fraction {
                digits: if self.width == 0 { 3 } else { self.width },
            },
            'm' => self.number(N::Month, 2, b'0'),
            'M' => self.number(N::Minute, 2, b'0'),
            'n' => self.name(NameField::Char('\n')),
            'N' => Item::Fraction {
                digits: if self.width == 0 { 9 } else { self.width },
            },
            'p' | 'P' => self.name(NameField::Meridian),
            'r' => return self.group("%I:%M:%S %p", items),
            'R' => return self.group("%H:%M", items),
            's' => self.number(N::UnixSeconds, 1, b'0'),
            'S' => self.number(N::Second, 2, b'0'),
            't' => self.name(NameField::Char('\t')),
            'T' | 'X' => return self.group("%H:%M:%S", items),
            'u' => self.number(N::WeekdayFromMonday, 1, b'0'),
            'U' => self.number(N::WeekFromSunday, 2, b'0'),
            'v' => return self.group("%e-%^b-%4Y", items),
            'V' => self.number(N::IsoWeek, 2, b'0'),
            'w' => self.number(N::WeekdayFromSunday, 1, b'0'),
            'W' => self.number(N::WeekFromMonday, 2, b'0'),
            'y' => self.number(N::YearOfCentury, 2, b'0'),
            'Y' => self.number(N::Year, 4, b'0'),
            'z' => self.offset(),
            'Z' => self.name(NameField::ZoneAbbreviation),
            '+' => return self.group("%a %b %e %H:%M:%S %Z %Y", items),
            _ => self.name(NameField::Char('%')),
        };
        items.push(item);
    }

    fn number(self, field: NumberField, default_width: usize, default_fill: u8) -> Item {
        let width = match (self.unpadded, self.width) {
            (true, _) => 1,
            (false, 0) => default_width,
            (false, width) => width,
        };
        Item::Number {
            field,
            width,
            fill: self.fill.unwrap_or(default_fill),
        }
    }

    fn name(self, field: NameField) -> Item {
        let case = match (field, self.letter) {
            (NameField::Meridian, 'p') if self.swap_case => Case::Lower,
            (NameField::Meridian, 'P') if !self.swap_case && !self.upper => Case::Lower,
            (NameField::ZoneAbbreviation, _) if self.swap_case => Case::Lower,
            (NameField::Meridian, _) => Case::AsIs,
            _ if self.upper || self.swap_case => Case::Upper,
            _ => Case::AsIs,
        };
        Item::Name {
            field,
            width: self.padded_width(),
            fill: self.fill.unwrap_or(b' '),
            case,
        }
    }

    fn offset(self) -> Item {
        Item::Offset {
            colons: self.colons,
            width: self.padded_width(),
            fill: self.fill.unwrap_or(b'0'),
        }
    }

    /// Puts the directives that this one stands for in its place.
    fn group(self, format: &str, items: &mut Vec<Item>) {
        let inner = compile(format);
        if self.width == 0 && !self.upper {
            items.extend(inner);
            return;
        }
        let case = if self.upper { Case::Upper } else { Case::AsIs };
        let fill = self.fill.unwrap_or(b' ');
        items.push(Item::Group {
            items: inner,
            width: self.width,
            fill,
            case,
        });
    }

    fn padded_width(&self) -> usize {
        if self.unpadded { 0 } else { self.width }
    }
}

/// Every directive there is.
const LETTERS: &str = "%+aAbBcCdDeFgGhHIjklLmMnNpPrRsStTuUvVwWxXyYzZ";

/// Joins text to the literal before it.
fn push_literal(text: &str, items: &mut Vec<Item>) {
    match items.last_mut() {
        _ if text.is_empty() => {}
        Some(Item::Literal(literal)) => literal.push_str(text),
        _ => items.push(Item::Literal(text.to_owned())),
    }
}
