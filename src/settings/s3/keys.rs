//! What objects are called.

use fluent_compat::config::{Params, Span};
use fluent_compat::object_key::{
    CheckObject, HexRandomLength, IndexFormat, ObjectKeyOptions, ObjectKeyTemplate,
    ObjectKeyWarning,
};
use fluent_compat::placeholder::PlaceholderWarning;
use fluent_compat::time::Zone;

use super::super::context::Context;
use super::super::remark::reported;
use super::S3Buffer;

/// What names and the values of `s3_metadata` are made of.
pub(super) struct Naming<'a>(ObjectKeyOptions<'a>);

impl<'a> Naming<'a> {
    pub(super) fn read(
        section: &Params<'a>,
        buffer: &'a S3Buffer<'a>,
        file_extension: &'a str,
        context: &'a Context<'_>,
    ) -> Self {
        let check_object = match section.bool("check_object").unwrap_or(true) {
            true => CheckObject::Yes,
            false => CheckObject::No,
        };
        let index_format = section.string("index_format").map(IndexFormat::parse);
        let hex_random_length = section.integer_in("hex_random_length", 0..=u64::MAX);
        let hex_random_length = hex_random_length.map(HexRandomLength::new);
        Self(ObjectKeyOptions {
            path: section.string("path").unwrap_or_default(),
            format: section.string("s3_object_key_format"),
            check_object,
            index_format: index_format
                .and_then(|format| reported(section, "index_format", format))
                .unwrap_or_default(),
            hex_random_length: hex_random_length
                .and_then(|length| reported(section, "hex_random_length", length))
                .unwrap_or_default(),
            time_slice_format: section.string("time_slice_format"),
            file_extension,
            hostname: &context.hostname,
            chunk_keys: buffer.keys,
            slots: buffer.slots,
            zone: buffer.slots.map_or(&Zone::Utc, |slots| slots.zone()),
        })
    }

    /// The names of objects.
    pub(super) fn keys(&self, section: &Params<'_>) -> Option<ObjectKeyTemplate> {
        let template = ObjectKeyTemplate::new(&self.0);
        let template = reported(section, "s3_object_key_format", template)?;
        for warning in template.warnings() {
            let span = self.place(warning, section);
            section.diagnostics().warning(span, warning.to_string());
        }
        Some(template)
    }

    /// The values of one name in `s3_metadata`.
    pub(super) fn metadata(&self, value: &str, section: &Params<'_>) -> Option<ObjectKeyTemplate> {
        let template = ObjectKeyTemplate::new(&ObjectKeyOptions {
            path: "",
            format: Some(value),
            ..self.0
        });
        let template = reported(section, "s3_metadata", template)?;
        // Values need not differ.
        let warnings = template.warnings().iter();
        for warning in warnings.filter(|warning| **warning != ObjectKeyWarning::NotUnique) {
            let span = section.span_of("s3_metadata");
            section.diagnostics().warning(span, warning.to_string());
        }
        Some(template)
    }

    /// Where the words of a warning stand: in the path, or else in the format.
    fn place(&self, warning: &ObjectKeyWarning, section: &Params<'_>) -> Span {
        let words = match warning {
            ObjectKeyWarning::NotUnique => None,
            ObjectKeyWarning::Unknown { placeholder }
            | ObjectKeyWarning::Placeholder(
                PlaceholderWarning::Dropped { placeholder }
                | PlaceholderWarning::Kept { placeholder },
            ) => Some(placeholder),
            ObjectKeyWarning::Placeholder(PlaceholderWarning::Timeless { format }) => Some(format),
        };
        match words {
            Some(words) if self.0.path.contains(words.as_str()) => section.span_of("path"),
            _ => section.span_of("s3_object_key_format"),
        }
    }
}
