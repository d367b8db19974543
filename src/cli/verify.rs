//! What `forebay verify` takes.

use std::path::PathBuf;

use clap::Args;

/// What `forebay verify` takes.
#[derive(Debug, Args)]
pub(crate) struct VerifyCommand {
    /// s3://BUCKET/PREFIX, or a directory with a copy of it, as `aws s3 sync` makes it
    #[arg(value_name = "PLACE")]
    pub(crate) place: String,

    /// The public key of the digests (PEM); several, where it was exchanged
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) public_key: Vec<PathBuf>,

    /// For a server that is running: objects newer than its last digest are passed over, and that
    /// digest must not be older than two intervals
    #[arg(long)]
    pub(crate) live: bool,

    /// A line of JSON for each finding, and one for the summary
    #[arg(long)]
    pub(crate) json: bool,

    /// Another store than Amazon's; credentials come from where the AWS tools take them
    #[arg(long, value_name = "URL", value_parser = url)]
    pub(crate) endpoint_url: Option<String>,

    /// The bucket's region [default: that of the environment or profile, else us-east-1]
    #[arg(long)]
    pub(crate) region: Option<String>,

    /// Name the bucket in the path, as most stores that are not Amazon's need it
    #[arg(long)]
    pub(crate) path_style: bool,

    /// What the names of the objects begin with that lie in the directory [default: as the
    /// digests say]
    #[arg(long, value_name = "KEY")]
    pub(crate) prefix: Option<String>,
}

fn url(text: &str) -> Result<String, String> {
    match text.starts_with("http://") || text.starts_with("https://") {
        true => Ok(text.to_owned()),
        false => Err("it must begin with http:// or https://".to_owned()),
    }
}
