//! Where the chunks of `@type file` lie if `<buffer>` does not say it: in files, and in the
//! directory that the output's own `path` names.

use fluent_compat::config::{Attribute, Element, Value};

/// Who has a directory for the buffers of outputs with an `@id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RootDir {
    /// `root_dir` in `<system>`.
    Given,
    /// Nobody.
    None,
}

impl RootDir {
    pub(super) fn of(root: &Element) -> Self {
        let mut systems = root.children("system");
        match systems.any(|system| system.attribute("root_dir").is_some()) {
            true => Self::Given,
            false => Self::None,
        }
    }
}

/// Gives the output a `<buffer>` in files if it has none, and that a place.
pub(super) fn complete_buffer(output: &mut Element, root_dir: RootDir) {
    let Some(path) = output.attribute("path").cloned() else {
        return;
    };
    let has_id = output.attribute("@id").or(output.attribute("id")).is_some();
    let has_place = has_id && root_dir == RootDir::Given;
    let span = output.span;
    if output.children("buffer").next().is_none() {
        output.children.push(Element {
            name: "buffer".to_owned(),
            arg: String::new(),
            attributes: Vec::new(),
            children: Vec::new(),
            span,
            arg_span: span,
        });
    }
    let buffers = output.children.iter_mut();
    for buffer in buffers.filter(|child| child.name == "buffer") {
        if buffer
            .attribute("@type")
            .or(buffer.attribute("type"))
            .is_none()
        {
            buffer.attributes.push(Attribute {
                name: "@type".to_owned(),
                value: Value::Text("file".to_owned()),
                ..path.clone()
            });
        }
        if buffer.attribute("path").is_none() && !has_place {
            buffer.attributes.push(path.clone());
        }
    }
}
