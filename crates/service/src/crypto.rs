//! One cryptography provider for every TLS connection of the process. The workspace builds rustls without a
//! default one, so whoever opens a TLS connection calls [`install`] before. Never makes a connection itself.

/// Makes ring the process's default provider. Harmless when called again, or when another one is there already.
pub fn install() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // An error only says that someone else was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
