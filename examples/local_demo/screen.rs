//! What the demonstration says: coloured on a terminal, plain elsewhere.

use std::fmt::Display;
use std::time::Duration;

use console::{Term, style};
use indicatif::{ProgressBar, ProgressStyle};

/// The terminal, or the pipe that takes its place.
pub(crate) struct Screen {
    term: Term,
}

impl Screen {
    pub(crate) fn new() -> Screen {
        Screen {
            term: Term::stdout(),
        }
    }

    /// A step of the way.
    pub(crate) fn step(&self, text: impl Display) {
        self.write(format!("{} {}", style("●").cyan(), style(text).bold()));
    }

    /// Something that belongs to the last step.
    pub(crate) fn detail(&self, text: impl Display) {
        self.write(format!("  {text}"));
    }

    /// A text of many lines, set apart.
    pub(crate) fn listing(&self, text: &str) {
        for line in text.lines() {
            self.write(format!("  {} {line}", style("│").dim()));
        }
    }

    /// The last word, when all is as it should be.
    pub(crate) fn success(&self, text: impl Display) {
        self.write(format!("\n{}", style(text).green().bold()));
    }

    /// The last word, when it is not.
    pub(crate) fn failure(&self, text: impl Display) {
        self.write(format!("\n{}", style(format!("{text:#}")).red().bold()));
    }

    /// As much of a line as fits.
    pub(crate) fn cut(&self, line: &str) -> String {
        let columns = if self.term.is_term() {
            usize::from(self.term.size().1)
        } else {
            120
        };
        let width = columns.saturating_sub(8).max(40);
        console::truncate_str(line, width, "…").into_owned()
    }

    /// A bar that fills; on a pipe nothing is drawn.
    pub(crate) fn bar(&self, length: usize) -> anyhow::Result<ProgressBar> {
        let bar = ProgressBar::new(u64::try_from(length)?);
        bar.set_style(
            ProgressStyle::with_template("  {bar:40.cyan/dim} {pos}/{len} {per_sec}")?
                .progress_chars("━╸─"),
        );
        Ok(bar)
    }

    /// A sign of life while there is nothing to do but wait.
    pub(crate) fn spinner(&self, text: String) -> anyhow::Result<ProgressBar> {
        let spinner = ProgressBar::new_spinner();
        spinner.set_style(ProgressStyle::with_template(
            "  {spinner:.cyan} {msg} {elapsed}",
        )?);
        spinner.set_message(text);
        spinner.enable_steady_tick(Duration::from_millis(100));
        Ok(spinner)
    }

    fn write(&self, line: String) {
        // Nobody is left to be told when the terminal is gone.
        let _ = self.term.write_line(&line);
    }
}
