//! A `campaigner.toml` in which everything is commented out.

pub(super) const SKELETON: &str = r#"# Accounts and notifications. campaigner reads this file from the folder it is started in, or from the
# path in --config.
# It may hold credentials: keep it private (mode 0600). Everything is optional; see docs/operations.md.

# For several accounts, give each one a section, and name it in the campaign: `provider: shop-hk`. `incs`, `meta` and
# `simulator` need no section.
# [providers.shop-hk]
# kind = "incs"
# certification_code_env = "SHOP_HK_CODE"   # the environment variable that holds the credential

# Templates in NXLink, for `campaigner templates` and `definition: {from: nxlink}`.
# [nxlink]
# access_key = ""
# access_secret = ""      # or the environment variable NXLINK_ACCESS_SECRET
# phone = ""              # the sender's number, digits only
# tenant_id = 0

# Templates in Alibaba Cloud CAMS.
# [cams]
# access_key_id = ""
# access_key_secret = ""  # or the environment variable ALIBABA_CLOUD_ACCESS_KEY_SECRET

# Call a URL when a run has finished.
# [on_done]
# url = "https://example.com/hooks/campaigner"
# secret_env = "CAMPAIGNER_HOOK_SECRET"
"#;
