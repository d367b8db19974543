//! What S3 keeps of an object beside its bytes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An object's headers, as they lie beside it in JSON.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Sidecar {
    /// MD5 of the bytes, in hexadecimal, as S3 answers it for a plain PUT.
    pub(super) etag: String,
    pub(super) content_type: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) storage_class: Option<String>,
    pub(super) metadata: BTreeMap<String, String>,
}
