//! The setup of TLS, which only targets on AWS need.

/// Chooses the cryptography that TLS uses. Without the feature `aws` it does nothing. It may be called more
/// than once.
pub fn prepare_tls() {
    #[cfg(feature = "aws")]
    // An error means that it has been chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
