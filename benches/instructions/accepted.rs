//! The figures that are held to be right: a file beside this one, a line a figure.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use crate::case::Case;

const PATH: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/benches/instructions/accepted.txt"
);

/// What was accepted.
pub(crate) struct Accepted {
    /// The compiler that the figures are of.
    pub(crate) rustc: String,
    figures: Vec<(String, f64)>,
}

impl Accepted {
    /// None yet, of this compiler.
    pub(crate) fn by(rustc: String) -> Self {
        let figures = Vec::new();
        Self { rustc, figures }
    }

    pub(crate) fn read() -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(PATH).with_context(|| {
            format!("{PATH} cannot be read; `.ci/run instructions-accept` writes it")
        })?;
        Self::parse(&text).with_context(|| PATH.to_owned())
    }

    /// The first line is the compiler, the others a case and its figure each.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut lines = text.lines();
        let rustc = lines.next().context("there is no line")?;
        let figures = lines.map(|line| {
            let figure = line.split_once(' ');
            let figure = figure.and_then(|(case, figure)| Some((case, figure.parse().ok()?)));
            let (case, figure) = figure
                .with_context(|| format!("found `{line}`, not a case, a space and a number"))?;
            Ok((case.to_owned(), figure))
        });
        Ok(Self {
            rustc: rustc.to_owned(),
            figures: figures.collect::<anyhow::Result<_>>()?,
        })
    }

    pub(crate) fn of(&self, case: Case) -> anyhow::Result<f64> {
        let mut figures = self.figures.iter();
        let found = figures.find(|(name, _)| name == case.name());
        let (_, figure) = found.with_context(|| format!("{PATH} has no {}", case.name()))?;
        Ok(*figure)
    }

    pub(crate) fn put(&mut self, case: Case, figure: f64) {
        self.figures.push((case.name().to_owned(), figure));
    }

    pub(crate) fn write(&self) -> anyhow::Result<()> {
        let mut text = format!("{}\n", self.rustc);
        for (case, figure) in &self.figures {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{case} {figure:.1}");
        }
        std::fs::write(Path::new(PATH), text).with_context(|| PATH.to_owned())
    }
}
