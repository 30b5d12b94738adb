//! TLS, which only targets on AWS need.

/// Chooses what TLS computes with; nothing to do without the feature `aws`. May be called again.
pub fn prepare_tls() {
    #[cfg(feature = "aws")]
    // An error says that it is chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
