//! Writes a `campaigner.toml` in which everything is commented out.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::cli::error::{CliError, Exit};

const SKELETON: &str = r#"# Accounts and notifications. campaigner reads this file from the folder in which it is started, or where --config says.
# It may hold credentials: keep it private (mode 0600). Everything is optional; see docs/operations.md.

# Several accounts: a campaign then says `provider: shop-hk`. `incs` and `simulator` need no section.
# [providers.shop-hk]
# kind = "incs"
# certification_code_env = "SHOP_HK_CODE"   # the environment variable that holds the credential

# Templates at NXLink, for `campaigner templates` and `definition: {from: nxlink}`.
# [nxlink]
# access_key = ""
# access_secret = ""      # or the environment variable NXLINK_ACCESS_SECRET
# phone = ""              # the sender's number, digits only
# tenant_id = 0

# Templates at Alibaba Cloud CAMS.
# [cams]
# access_key_id = ""
# access_key_secret = ""  # or the environment variable ALIBABA_CLOUD_ACCESS_KEY_SECRET

# What happens when a run has finished.
# [on_done]
# url = "https://example.com/hooks/campaigner"
# secret_env = "CAMPAIGNER_HOOK_SECRET"
"#;

/// Writes the file unless it exists. Returns whether it was written.
pub(in crate::cli) fn write_skeleton(path: &Path) -> Result<bool, CliError> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    let written = match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        made => made.and_then(|mut file| file.write_all(SKELETON.as_bytes())),
    };
    written
        .map(|()| true)
        .map_err(|error| CliError::new(Exit::Environment, format!("cannot write {}: {error}", path.display())))
}
