//! Colour for terminals.

/// Whether text goes to a terminal, which shows colours, or to where they would be noise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ink {
    /// As it is.
    Plain,
    /// With the escape sequences of terminals.
    Colored,
}

impl Ink {
    /// For what one reads first.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// For what is there to be passed over.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// For what is good.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// For what may not be meant.
    pub fn yellow(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    /// For what must not be.
    pub fn red(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn paint(self, attributes: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colored => format!("\x1b[{attributes}m{text}\x1b[0m"),
        }
    }
}
