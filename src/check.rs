//! `forebay check`: what a configuration would run, on one page.
//!
//! Only settings are read here; nothing is opened, bound or asked. Secrets are not printed.

mod object;
mod output;
mod page;
mod routes;
mod source;
mod units;

use fluent_compat::config::Ink;
use fluent_compat::time::EventTime;

use crate::settings::Settings;
use page::Page;

/// The sources and routes of a valid configuration, in order. `now` is the time of the
/// example objects.
pub(crate) fn plan(settings: &Settings, now: EventTime, ink: Ink) -> String {
    let mut page = Page::new(ink);
    for source in &settings.sources {
        source::describe(source, &mut page);
    }
    for monitor in &settings.monitors {
        source::describe_monitor(monitor, &mut page);
    }
    routes::describe(settings, now, &mut page);
    page.finish()
}

/// The last line: whether the configuration would run, and how many remarks there are.
pub(crate) fn verdict(errors: usize, warnings: usize, ink: Ink) -> String {
    let counts = match (errors, warnings) {
        (0, 0) => "nothing to remark".to_owned(),
        (0, warnings) => counted(warnings, "warning"),
        (errors, 0) => counted(errors, "mistake"),
        (errors, warnings) => {
            let warnings = counted(warnings, "warning");
            format!("{}, {warnings}", counted(errors, "mistake"))
        }
    };
    match errors {
        0 => format!("{}: {counts}\n", ink.green("this configuration runs")),
        _ => format!("{}: {counts}\n", ink.red("this configuration does not run")),
    }
}

fn counted(count: usize, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        _ => format!("{count} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_counts() {
        let verdict = |errors, warnings| verdict(errors, warnings, Ink::Plain);
        assert_eq!(
            verdict(0, 0),
            "this configuration runs: nothing to remark\n"
        );
        assert_eq!(verdict(0, 1), "this configuration runs: 1 warning\n");
        assert_eq!(
            verdict(2, 1),
            "this configuration does not run: 2 mistakes, 1 warning\n"
        );
    }

    #[test]
    fn a_terminal_gets_colours_and_a_file_none() {
        assert!(verdict(0, 0, Ink::Colored).contains('\x1b'));
        assert!(!verdict(1, 1, Ink::Plain).contains('\x1b'));
    }
}
