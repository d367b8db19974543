//! Lines of styled text, and tables of them, cut to a terminal's width.

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Color,
    Plain,
}

/// What a piece of text is, rather than which colour it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    #[default]
    Plain,
    Strong,
    Soft,
    Flow,
    Good,
    Warning,
    Bad,
}

impl Style {
    /// Of the sixteen colours that every terminal has, in whatever shades its owner likes.
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "\x1b[1m",
            Self::Soft => "\x1b[2m",
            Self::Flow => "\x1b[36m",
            Self::Good => "\x1b[32m",
            Self::Warning => "\x1b[33m",
            Self::Bad => "\x1b[1;31m",
        }
    }
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    text: String,
    style: Style,
}

impl Span {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        let text = text.into();
        Self { text, style }
    }

    /// As much of it as there is room for.
    #[must_use]
    pub(super) fn cut_to(self, width: usize) -> Self {
        Self {
            text: cut(&self.text, width),
            ..self
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<T: Into<String>> From<T> for Span {
    fn from(text: T) -> Self {
        Self::new(text, Style::Plain)
    }
}

/// A line of pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    spans: Vec<Span>,
}

impl Line {
    pub(super) fn of(text: impl Into<String>, style: Style) -> Self {
        Self::default().and(text, style)
    }

    #[must_use]
    pub(super) fn and(self, text: impl Into<String>, style: Style) -> Self {
        self.with(Span::new(text, style))
    }

    #[must_use]
    pub(super) fn with(mut self, span: Span) -> Self {
        self.spans.push(span);
        self
    }

    /// Goes on at this column, or a space further on if the line is longer already.
    #[must_use]
    pub(super) fn at(self, column: usize) -> Self {
        let blanks = column.saturating_sub(self.width()).max(1);
        self.and(" ".repeat(blanks), Style::Plain)
    }

    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(Span::width).sum()
    }

    /// The text that shows, cut where the width ends.
    pub(super) fn painted(&self, width: usize, ink: Ink) -> String {
        let mut left = width;
        let mut is_cut = self.width() > width;
        if is_cut {
            left = left.saturating_sub(1);
        }
        let mut painted = String::new();
        for span in &self.spans {
            let text: String = span.text.chars().take(left).collect();
            left -= text.chars().count();
            let code = match ink {
                Ink::Color if !text.is_empty() => span.style.code(),
                Ink::Color | Ink::Plain => "",
            };
            painted.push_str(code);
            painted.push_str(&text);
            if is_cut && left == 0 {
                painted.push('…');
                is_cut = false;
            }
            if !code.is_empty() {
                painted.push_str("\x1b[0m");
            }
            if left == 0 {
                break;
            }
        }
        painted.trim_end().to_owned()
    }
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

/// A table's columns: heading, and side of the cells.
pub(super) type Columns<'a> = &'a [(&'static str, Side)];

/// Headings and rows, with two blanks between columns. Where all of it is wider than `width`,
/// the column `flexible` is made narrower, its cells cut.
pub(super) fn table(
    columns: Columns<'_>,
    rows: &[Vec<Span>],
    flexible: usize,
    width: usize,
) -> Vec<Line> {
    const NARROWEST: usize = 6;
    let mut widths: Vec<_> = columns
        .iter()
        .map(|(name, _)| name.chars().count())
        .collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let whole = widths.iter().sum::<usize>() + GAP.len() * columns.len();
    if let Some(column) = widths.get_mut(flexible) {
        *column = column
            .saturating_sub(whole.saturating_sub(width))
            .max(NARROWEST);
    }
    let headings = columns
        .iter()
        .map(|(name, _)| Span::new(*name, Style::Soft));
    let headings: Vec<_> = headings.collect();
    let rows = std::iter::once(&headings).chain(rows);
    rows.map(|row| {
        let cells = row.iter().zip(columns).zip(&widths);
        cells.fold(Line::default(), |line, ((cell, (_, side)), width)| {
            let text = cut(&cell.text, *width);
            let blanks = " ".repeat(width.saturating_sub(text.chars().count()));
            let text = match side {
                Side::Left => format!("{text}{blanks}"),
                Side::Right => format!("{blanks}{text}"),
            };
            line.and(GAP, Style::Plain).and(text, cell.style)
        })
    })
    .collect()
}

/// Before each column.
const GAP: &str = "  ";

/// The text, or as much of it as there is room for.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// The text in lines of at most `width`, broken at blanks where there are some; not more than
/// `most` lines, the last of them cut.
pub(super) fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if lines.len() + 1 == most {
            lines.push(cut(rest, width));
            break;
        }
        let end = rest.char_indices().nth(width).map(|(at, _)| at);
        let Some(end) = end else {
            lines.push(rest.to_owned());
            break;
        };
        let (line, _) = rest.split_at(end);
        let end = line.rfind(' ').filter(|at| *at > 0).unwrap_or(end);
        let (line, after) = rest.split_at(end);
        lines.push(line.to_owned());
        rest = after.trim_start();
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_the_terminal_ends() {
        let line = Line::of("held", Style::Soft)
            .at(6)
            .and("1,234 B", Style::Bad);
        assert_eq!(line.painted(80, Ink::Plain), "held  1,234 B");
        assert_eq!(line.painted(13, Ink::Plain), "held  1,234 B");
        assert_eq!(line.painted(9, Ink::Plain), "held  1,…");
        assert_eq!(
            line.painted(8, Ink::Color),
            "\x1b[2mheld\x1b[0m  \x1b[1;31m1…\x1b[0m"
        );
    }

    #[test]
    fn a_table_gives_way_in_one_column() {
        let columns = [("NAME", Side::Left), ("N", Side::Right)];
        let rows = [
            vec!["a very long name".into(), "1".into()],
            vec!["b".into(), "1,000".into()],
        ];
        let lines = |width| {
            let lines = table(&columns, &rows, 0, width);
            let painted = lines.iter().map(|line| line.painted(width, Ink::Plain));
            painted.collect::<Vec<_>>()
        };
        assert_eq!(
            lines(80),
            [
                "  NAME                  N",
                "  a very long name      1",
                "  b                 1,000"
            ]
        );
        assert_eq!(
            lines(19),
            [
                "  NAME            N",
                "  a very lo…      1",
                "  b           1,000"
            ]
        );
    }

    #[test]
    fn long_reasons_are_broken_at_blanks_and_end_somewhere() {
        let text = "one two three four";
        assert_eq!(wrapped(text, 9, 5), ["one two", "three", "four"]);
        assert_eq!(wrapped(text, 9, 2), ["one two", "three fo…"]);
        assert_eq!(wrapped("onetwothree", 4, 5), ["onet", "woth", "ree"]);
        assert_eq!(wrapped("  ", 4, 5), Vec::<String>::new());
    }
}
