//! `<filter>`: what drops events, and what rewrites their records, before a `<match>` takes
//! them.

mod grep;
mod record_transformer;
mod template;

pub use grep::{Condition, Grep};
pub use record_transformer::{Base, RecordTransformer, TransformError};
pub use template::{Name, PlaceholderError, Surroundings, Template, Typing};
