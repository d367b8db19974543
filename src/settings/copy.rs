//! What is particular to `@type copy`.

use fluent_compat::config::Params;

use crate::route::{OnError, StorePolicy, Turn};

/// No output changes the events it is given, so all modes of copying are one.
pub(super) fn read_what_changes_nothing(section: &Params<'_>) {
    let modes = ["no_copy", "shallow", "deep", "marshal"].map(|mode| (mode, ()));
    let _ = section.enumeration("copy_mode", &modes);
    let _ = section.bool("deep_copy");
}

/// The argument of `<store>`; `place` is that among its siblings, from 0.
pub(super) fn policy(store: &Params<'_>, place: usize) -> Option<StorePolicy> {
    let mut policy = StorePolicy::default();
    let span = store.argument_span();
    for word in store.argument().split_ascii_whitespace() {
        match word {
            "ignore_error" => policy.on_error = OnError::Ignore,
            "ignore_if_prev_success" if place == 0 => {
                let message = "`ignore_if_prev_success` is for the second <store> and later ones";
                store.diagnostics().error(span, message);
                return None;
            }
            "ignore_if_prev_success" => policy.turn = Turn::UnlessPrevious,
            other => {
                let message =
                    format!("expected `ignore_error` or `ignore_if_prev_success`, found `{other}`");
                store.diagnostics().error(span, message);
                return None;
            }
        }
    }
    Some(policy)
}
