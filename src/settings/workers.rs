//! `<worker>`: forebay is one process, which is Fluentd's worker 0.

use fluent_compat::config::Params;

/// The `<worker>` sections that worker 0 runs: what is in them counts as if it stood after
/// all that is in none. The others are warned of.
pub(super) fn taken_in<'a>(root: &Params<'a>) -> Vec<Params<'a>> {
    let mut taken = Vec::new();
    for worker in root.sections("worker") {
        match first_worker(worker.argument()) {
            Some(0) => taken.push(worker),
            Some(_) => {
                let message = format!(
                    "<worker {}> has no effect: forebay is one process, which is worker 0",
                    worker.argument()
                );
                let span = worker.argument_span();
                worker.diagnostics().warning(span, message);
            }
            None => {
                let message = format!(
                    "expected a worker's number or several, as in `0` or `0-3`, found `{}`",
                    worker.argument()
                );
                let span = worker.argument_span();
                worker.diagnostics().error(span, message);
            }
        }
    }
    taken
}

/// The first of the workers that the argument names.
fn first_worker(argument: &str) -> Option<u32> {
    let (first, last) = match argument.split_once('-') {
        Some((first, last)) => (first.trim(), last.trim()),
        None => (argument.trim(), argument.trim()),
    };
    let (first, last) = (first.parse::<u32>().ok()?, last.parse::<u32>().ok()?);
    (first <= last).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_a_number_or_a_range_of_them() {
        assert_eq!(first_worker("0"), Some(0));
        assert_eq!(first_worker("0-3"), Some(0));
        assert_eq!(first_worker("2 - 3"), Some(2));
        for wrong in ["", "a", "3-1", "-1", "1-", "0-1-2"] {
            assert_eq!(first_worker(wrong), None, "{wrong}");
        }
    }
}
