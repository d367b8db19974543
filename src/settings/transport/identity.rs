//! Where the server's certificate and key come from: from files, from a CA that issues one
//! at start, or from nobody. Of the three the first that is given counts, as in Fluentd.

use fluent_compat::config::{Params, Secret};
use forebay_certs::{
    GenerateOptions, Identity, IssueError, KeyError, Passphrase, RsaBits, Unlocked,
};

use super::required_file;
use crate::settings::context::Context;

/// Fluentd's `cert_path`, else its `ca_cert_path`, else `insecure`.
pub(super) fn identity(section: &Params<'_>, context: &Context<'_>) -> Option<Identity> {
    let key_passphrase = passphrase(section, "private_key_passphrase");
    let ca_passphrase = passphrase(section, "ca_private_key_passphrase");
    let insecure = section.bool("insecure").unwrap_or(false);
    let options = generate_options(section, context);
    // Fluentd knows them also where they do not count.
    let from_files = section.is_given("cert_path");
    let from_ca = section.is_given("ca_cert_path");
    for name in ["private_key_path", "ca_private_key_path"] {
        let _ = section.is_given(name);
    }
    if from_files {
        loaded(section, key_passphrase.as_ref(), context)
    } else if from_ca {
        issued(section, ca_passphrase.as_ref(), &options?, context)
    } else if insecure {
        self_signed(section, &options?, context)
    } else {
        let message = "no certificate for the server: allowed are `cert_path`, `ca_cert_path` \
                       and `insecure`";
        context.diagnostics.error(section.span(), message);
        None
    }
}

/// `cert_path`, `private_key_path` and `private_key_passphrase`.
fn loaded(
    section: &Params<'_>,
    passphrase: Option<&Passphrase>,
    context: &Context<'_>,
) -> Option<Identity> {
    let certificate = required_file(section, "cert_path", context);
    let key = required_file(section, "private_key_path", context);
    match forebay_certs::load_identity(&certificate?, &key?, passphrase) {
        Ok(identity) => {
            warn_of_a_stray_newline(section, identity.unlocked);
            Some(identity)
        }
        Err(error) => {
            report_identity(section, &error);
            None
        }
    }
}

/// A new certificate, issued by the CA of `ca_cert_path`, `ca_private_key_path` and
/// `ca_private_key_passphrase`.
fn issued(
    section: &Params<'_>,
    passphrase: Option<&Passphrase>,
    options: &GenerateOptions,
    context: &Context<'_>,
) -> Option<Identity> {
    let certificate = required_file(section, "ca_cert_path", context);
    let key = required_file(section, "ca_private_key_path", context);
    let now = context.clock.now().seconds();
    forebay_certs::issue_server_certificate(&certificate?, &key?, passphrase, options, now)
        .map_err(|error| report_issue(section, &error))
        .ok()
}

/// A new certificate that nobody vouches for.
fn self_signed(
    section: &Params<'_>,
    options: &GenerateOptions,
    context: &Context<'_>,
) -> Option<Identity> {
    let message = "a certificate that signs itself: no client can know whom it speaks to";
    let help = "give the server a certificate: `cert_path` or `ca_cert_path`";
    let span = section.span_of("insecure");
    context.diagnostics.warning_with_help(span, message, help);
    forebay_certs::self_signed_server_certificate(options, context.clock.now().seconds())
        .map_err(|error| report_issue(section, &error))
        .ok()
}

/// The `generate_*` family, whose common name is the host's name by default.
fn generate_options(section: &Params<'_>, context: &Context<'_>) -> Option<GenerateOptions> {
    let text = |name: &str, default: String| section.string(name).map_or(default, str::to_owned);
    let given = GenerateOptions::new(context.hostname.as_str());
    let key_length = length(section);
    let digest = match section.is_given("generate_cert_digest") {
        true => section.parsed("generate_cert_digest", str::parse),
        false => Some(given.digest),
    };
    let options = GenerateOptions {
        country: text("generate_cert_country", given.country),
        state: text("generate_cert_state", given.state),
        locality: text("generate_cert_locality", given.locality),
        common_name: text("generate_cert_common_name", given.common_name),
        expiration: section
            .time("generate_cert_expiration")
            .unwrap_or(given.expiration),
        key_length: key_length?,
        digest: digest?,
    };
    Some(options)
}

/// `generate_private_key_length`, 2048 by default; none if it is wrong, which is reported.
fn length(section: &Params<'_>) -> Option<RsaBits> {
    const NAME: &str = "generate_private_key_length";
    if !section.is_given(NAME) {
        return Some(RsaBits::Bits2048);
    }
    let found = section.integer(NAME)?;
    RsaBits::try_from(u64::try_from(found).unwrap_or(0))
        .map_err(|error| {
            let span = section.span_of(NAME);
            section.diagnostics().error(span, error.to_string());
        })
        .ok()
}

fn passphrase(section: &Params<'_>, name: &str) -> Option<Passphrase> {
    let secret = section.secret(name);
    secret.as_ref().map(Secret::expose).map(Passphrase::new)
}

/// An error points at the parameter that is to be mended.
fn report_issue(section: &Params<'_>, error: &IssueError) {
    let parameter = match error {
        IssueError::Authority(KeyError::WrongPassphrase { .. }) => "ca_private_key_passphrase",
        IssueError::Authority(
            KeyError::NoCertificate { .. } | KeyError::UnusableCertificate { .. },
        )
        | IssueError::AuthorityName { .. } => "ca_cert_path",
        IssueError::Authority(_) => "ca_private_key_path",
        IssueError::Date { .. } => "generate_cert_expiration",
        IssueError::Certificate { .. } => "generate_cert_common_name",
        _ => "insecure",
    };
    let span = section.span_of(parameter);
    section.diagnostics().error(span, error.to_string());
}

/// An error points at the parameter that is to be mended.
fn report_identity(section: &Params<'_>, error: &KeyError) {
    let parameter = match error {
        KeyError::NoCertificate { .. } | KeyError::UnusableCertificate { .. } => "cert_path",
        KeyError::WrongPassphrase { .. } => "private_key_passphrase",
        _ => "private_key_path",
    };
    let path = section.string(match parameter {
        "private_key_passphrase" => "private_key_path",
        parameter => parameter,
    });
    let path = path.unwrap_or_default();
    let span = section.span_of(parameter);
    let message = format!("{path}: {error}");
    match error {
        KeyError::PassphraseMissing { .. } => {
            let help = "add `private_key_passphrase`";
            section.diagnostics().error_with_help(span, message, help);
        }
        _ => section.diagnostics().error(span, message),
    }
}

fn warn_of_a_stray_newline(section: &Params<'_>, unlocked: Unlocked) {
    let what = match unlocked {
        Unlocked::NotEncrypted | Unlocked::AsGiven => return,
        Unlocked::NewlineRemoved => "without the newline at its end",
        Unlocked::NewlineAdded => "only with a newline at its end",
    };
    let message = format!("this passphrase opens the key {what}");
    let span = section.span_of("private_key_passphrase");
    section.diagnostics().warning(span, message);
}
