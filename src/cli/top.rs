//! `forebay top`.

use std::time::Duration;

use clap::Args;

use super::duration;

/// What `forebay top` is told.
#[derive(Debug, Args)]
pub(crate) struct TopCommand {
    /// The monitor [default: http://127.0.0.1:24220, or else port 24231]
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Between two looks, in Fluentd's way: 2s, 1m
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = interval)]
    pub(crate) interval: Duration,

    /// Look twice, print what there is to see, and end
    #[arg(long)]
    pub(crate) once: bool,
}

fn interval(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!("found `{text}`, expected a second or more")),
        interval => Ok(interval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_time_between_two_looks() {
        assert_eq!(interval("2"), Ok(Duration::from_secs(2)));
        assert!(interval("0s").is_err());
        assert!(interval("fast").is_err());
    }
}
