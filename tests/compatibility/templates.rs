//! The small configurations in which parameters are tried.

/// Where the parameter goes.
pub(crate) const HERE: &str = "HERE";
/// What stands for the passphrase of `/keys/server.key`.
pub(crate) const PASSPHRASE: &str = "PASSPHRASE";

const SOURCE: &str = "<source>\n@type http\n</source>\n";
const STDOUT: &str = "<match **>\n@type stdout\n</match>\n";
const KEYED: &str = "<buffer time>\n@type file\npath /var/lib/forebay/audit\n</buffer>\n";

/// What goes beside a parameter that says nothing alone.
const COMPANIONS: [(&str, &str); 6] = [
    ("aws_key_id", "aws_sec_key hush"),
    ("aws_sec_key", "aws_key_id AKIAEXAMPLE"),
    ("decompression_size_limit", "compress gzip"),
    ("flush_interval", "flush_mode interval"),
    ("hostname", "hostname_key host"),
    ("time_format_fallbacks", "time_type mixed"),
];

/// The configuration for a parameter below one heading of the table. `None` for a heading
/// that is not known.
pub(crate) fn template_for(heading: &str, name: &str) -> Option<String> {
    let mut template = template(heading)?;
    if let Some((_, companion)) = COMPANIONS.iter().find(|(known, _)| *known == name) {
        template = with_line(&template, companion);
        template = template.replacen(companion, &format!("{companion}\n{HERE}"), 1);
    }
    if name == "@label" && !template.contains("<label") {
        template.push_str("<label @TELEPORT>\n<match **>\n@type stdout\n</match>\n</label>\n");
    }
    Some(template)
}

fn template(heading: &str) -> Option<String> {
    let heading = heading.replace('`', "");
    if let Some(plugin) = heading.strip_prefix("<parse> with @type ") {
        let needed = match plugin {
            "csv" | "tsv" => "keys user\n",
            "json" | "msgpack" => "time_type string\ntime_format %F\n",
            "regexp" => "expression /^(?<user>[^ ]*)$/\n",
            _ => "",
        };
        return Some(source(&format!(
            "<parse>\n@type {plugin}\n{needed}HERE\n</parse>\n"
        )));
    }
    if let Some(plugin) = heading.strip_prefix("<format> with @type ") {
        let needed = match plugin {
            "csv" => "fields user\n",
            "tsv" => "keys user\n",
            _ => "",
        };
        return Some(s3(&format!(
            "<format>\n@type {plugin}\n{needed}HERE\n</format>\n{KEYED}"
        )));
    }
    if let Some(plugin) = heading.strip_prefix("<filter> with @type ") {
        return Some(filter(plugin, "HERE\n"));
    }
    if let Some(plugin) = heading.strip_prefix("<match> with @type ") {
        return Some(match plugin {
            "s3" => format!(
                "{SOURCE}<match **>\n@type s3\ns3_bucket audit\nHERE\n<format>\n@type json\n</format>\n{KEYED}</match>\n"
            ),
            "copy" => output("copy", "HERE\n<store>\n@type stdout\n</store>\n"),
            "relabel" => {
                output("relabel", "HERE\n") + "<label @TELEPORT>\n" + STDOUT + "</label>\n"
            }
            "file" => output(plugin, "path /var/log/audit\nHERE\n"),
            _ => output(plugin, "HERE\n"),
        });
    }
    section(&heading)
}

/// Sections that are not plugins.
fn section(heading: &str) -> Option<String> {
    const ROLE: &str = "role_arn arn:aws:iam::1:role/audit\nrole_session_name forebay\n";
    let in_s3 = |section: &str| s3(&format!("{JSON}{section}{KEYED}"));
    const JSON: &str = "<format>\n@type json\n</format>\n";
    Some(match heading {
        "<system>" => format!("<system>\nHERE\n</system>\n{SOURCE}{STDOUT}"),
        "<log> in <system>" => {
            format!("<system>\n<log>\nHERE\n</log>\n</system>\n{SOURCE}{STDOUT}")
        }
        "<source> with @type http" => source("HERE\n"),
        "<source> with @type prometheus" => monitor("prometheus"),
        "<source> with @type monitor_agent" => monitor("monitor_agent"),
        "<source> with @type prometheus_output_monitor" => monitor("prometheus_output_monitor"),
        "<transport tls>" => source(
            "<transport tls>\nca_path /keys/ca.crt\ncert_path /keys/server.crt\nprivate_key_path /keys/server.key\nprivate_key_passphrase PASSPHRASE\nHERE\n</transport>\n",
        ),
        "<inject>" => s3(&format!(
            "{JSON}<inject>\ntime_key time\ntime_type string\nHERE\n</inject>\n{KEYED}"
        )),
        "<buffer>" => s3(&format!(
            "{JSON}<buffer time>\n@type file\npath /var/lib/forebay/audit\nHERE\n</buffer>\n"
        )),
        "store_as in <match> with @type s3" => s3(&format!("HERE\n{JSON}{KEYED}")),
        "<digest> in <match> with @type s3" => in_s3(
            "path audit/\n<digest>\npath digests/\nprivate_key_path /keys/digest.key\nHERE\n</digest>\n",
        ),
        "<compress> in <match> with @type s3" => {
            in_s3("store_as zstd\n<compress>\nHERE\n</compress>\n")
        }
        "<assume_role_credentials>" => in_s3(&format!(
            "<assume_role_credentials>\n{ROLE}HERE\n</assume_role_credentials>\n"
        )),
        "<web_identity_credentials>" => in_s3(&format!(
            "<web_identity_credentials>\n{ROLE}web_identity_token_file /token\nHERE\n</web_identity_credentials>\n"
        )),
        "<instance_profile_credentials>" | "<shared_credentials>" | "<bucket_lifecycle_rule>" => {
            let end = heading.replace('<', "</");
            in_s3(&format!("{heading}\nHERE\n{end}\n"))
        }
        "<secondary> with @type secondary_file" => in_s3(
            "<secondary>\n@type secondary_file\ndirectory /var/lib/forebay/given-up\nHERE\n</secondary>\n",
        ),
        "<regexp> and <exclude> in <filter>" => filter(
            "grep",
            "<regexp>\nkey user\npattern /^alice$/\nHERE\n</regexp>\n",
        ),
        _ => return None,
    })
}

fn source(lines: &str) -> String {
    format!("<source>\n@type http\n{lines}</source>\n{STDOUT}")
}

fn monitor(plugin: &str) -> String {
    format!("{SOURCE}<source>\n@type {plugin}\nHERE\n</source>\n{STDOUT}")
}

fn s3(lines: &str) -> String {
    format!("{SOURCE}<match **>\n@type s3\ns3_bucket audit\n{lines}</match>\n")
}

fn output(plugin: &str, lines: &str) -> String {
    format!("{SOURCE}<match **>\n@type {plugin}\n{lines}</match>\n")
}

fn filter(plugin: &str, lines: &str) -> String {
    format!("{SOURCE}<filter **>\n@type {plugin}\n{lines}</filter>\n{STDOUT}")
}

/// The configuration with a line in its place, and without the lines beside it that give
/// the same parameter.
pub(crate) fn with_line(template: &str, line: &str) -> String {
    let lines: Vec<_> = template.lines().collect();
    let is_tag = |line: &&str| line.starts_with('<');
    let here = lines.iter().take_while(|line| **line != HERE).count();
    // From one tag to the next, lines belong to the same section.
    let start = lines.iter().take(here).rposition(is_tag);
    let start = start.map_or(0, |tag| tag + 1);
    let end = here
        + lines
            .iter()
            .skip(here)
            .take_while(|line| !is_tag(line))
            .count();
    let name = line.split(' ').next();
    let kept = lines.iter().enumerate().filter(|(place, other)| {
        let is_beside = (start..end).contains(place);
        !(is_beside && other.split(' ').next() == name)
    });
    let kept = kept.map(|(place, other)| if place == here { line } else { other });
    kept.map(|line| format!("{line}\n")).collect()
}
