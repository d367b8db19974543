//! Traditional PEM encryption (RFC 1421 headers, OpenSSL's key derivation).
//!
//! ```text
//! Proc-Type: 4,ENCRYPTED
//! DEK-Info: AES-256-CBC,<IV in hex>
//! ```
//!
//! The key comes from one round of MD5 (`EVP_BytesToKey`), salted with the first eight bytes of
//! the IV: weak by today's measure, but what Teleport's tool writes.

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit,
};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use des::TdesEde3;
use md5::{Digest, Md5};
use pkcs8::der::asn1::AnyRef;
use pkcs8::der::{Decode, Tag, Tagged};
use zeroize::Zeroizing;

use crate::{IssueError, KeyError, random};

/// Bytes of the IV that salt the key derivation.
const SALT_LENGTH: usize = 8;

/// The ciphers of `DEK-Info` that are known here, all in CBC mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    DesEde3,
}

impl Cipher {
    pub(crate) const ALL: [Cipher; 4] = [
        Cipher::Aes128,
        Cipher::Aes192,
        Cipher::Aes256,
        Cipher::DesEde3,
    ];

    /// Its name in `DEK-Info`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Cipher::Aes128 => "AES-128-CBC",
            Cipher::Aes192 => "AES-192-CBC",
            Cipher::Aes256 => "AES-256-CBC",
            Cipher::DesEde3 => "DES-EDE3-CBC",
        }
    }

    fn key_length(self) -> usize {
        match self {
            Cipher::Aes128 => 16,
            Cipher::Aes192 | Cipher::DesEde3 => 24,
            Cipher::Aes256 => 32,
        }
    }

    /// Bytes of a block, and so of the IV.
    fn block_length(self) -> usize {
        match self {
            Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256 => 16,
            Cipher::DesEde3 => 8,
        }
    }
}

/// One section's encryption: the value of its `DEK-Info`. The IV has the cipher's block length.
pub(crate) struct Encryption {
    cipher: Cipher,
    iv: Vec<u8>,
}

impl Encryption {
    /// Reads `AES-256-CBC,f0b4…`.
    pub(crate) fn parse(dek_info: &str) -> Result<Encryption, KeyError> {
        let (name, iv) = dek_info.split_once(',').unwrap_or((dek_info, ""));
        let name = name.trim();
        let cipher = Cipher::ALL
            .into_iter()
            .find(|cipher| cipher.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| KeyError::UnknownEncryption {
                found: name.to_owned(),
            })?;
        let iv = HEXLOWER_PERMISSIVE
            .decode(iv.trim().as_bytes())
            .map_err(|error| KeyError::damaged(format!("the IV in DEK-Info is no hex: {error}")))?;
        if iv.len() != cipher.block_length() {
            let (found, wanted) = (iv.len(), cipher.block_length());
            return Err(KeyError::damaged(format!(
                "the IV in DEK-Info has {found} bytes, not {wanted}"
            )));
        }
        Ok(Encryption { cipher, iv })
    }

    /// The cipher with a random IV.
    pub(crate) fn random(cipher: Cipher) -> Result<Encryption, IssueError> {
        let mut iv = vec![0; cipher.block_length()];
        random::fill(&mut iv)?;
        Ok(Encryption { cipher, iv })
    }

    /// The cipher's name, for messages.
    pub(crate) fn name(&self) -> &'static str {
        self.cipher.name()
    }

    /// The value of `DEK-Info`.
    pub(crate) fn dek_info(&self) -> String {
        let (name, iv) = (self.cipher.name(), HEXLOWER.encode(&self.iv));
        format!("{name},{iv}")
    }

    /// Whether a ciphertext can be one at all: if not, no passphrase is to blame.
    pub(crate) fn check(&self, ciphertext: &[u8]) -> Result<(), KeyError> {
        let (length, block) = (ciphertext.len(), self.cipher.block_length());
        if length == 0 || !length.is_multiple_of(block) {
            let name = self.name();
            return Err(KeyError::damaged(format!(
                "{length} bytes cannot come from {name}, which writes whole blocks of {block}"
            )));
        }
        Ok(())
    }

    /// The DER inside; `None` if what comes out is no DER, so most likely a wrong passphrase.
    pub(crate) fn decrypt(
        &self,
        ciphertext: &[u8],
        passphrase: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.derive_key(passphrase);
        let plain = Zeroizing::new(match self.cipher {
            Cipher::Aes128 => decrypt::<Aes128>(&key, &self.iv, ciphertext),
            Cipher::Aes192 => decrypt::<Aes192>(&key, &self.iv, ciphertext),
            Cipher::Aes256 => decrypt::<Aes256>(&key, &self.iv, ciphertext),
            Cipher::DesEde3 => decrypt::<TdesEde3>(&key, &self.iv, ciphertext),
        }?);
        // One wrong passphrase in 256 leaves a padding that looks right; the outermost length
        // that fits to the byte does not come about by chance.
        let fits = AnyRef::from_der(&plain).is_ok_and(|it| it.tag() == Tag::Sequence);
        fits.then_some(plain)
    }

    /// The ciphertext of a DER.
    pub(crate) fn encrypt(&self, der: &[u8], passphrase: &[u8]) -> Vec<u8> {
        let key = self.derive_key(passphrase);
        match self.cipher {
            Cipher::Aes128 => encrypt::<Aes128>(&key, &self.iv, der),
            Cipher::Aes192 => encrypt::<Aes192>(&key, &self.iv, der),
            Cipher::Aes256 => encrypt::<Aes256>(&key, &self.iv, der),
            Cipher::DesEde3 => encrypt::<TdesEde3>(&key, &self.iv, der),
        }
    }

    /// `EVP_BytesToKey`: each digest goes over the one before, the passphrase and the salt.
    fn derive_key(&self, passphrase: &[u8]) -> Zeroizing<Vec<u8>> {
        let salt = self.iv.get(..SALT_LENGTH).unwrap_or(&self.iv);
        let length = self.cipher.key_length();
        // Two digests reach 32 bytes; with the room set aside no copy is left behind unwiped.
        let mut key = Zeroizing::new(Vec::with_capacity(length.next_multiple_of(16)));
        let mut last = Zeroizing::new(Vec::new());
        while key.len() < length {
            let digest = Md5::new_with_prefix(&*last)
                .chain_update(passphrase)
                .chain_update(salt);
            last = Zeroizing::new(digest.finalize().to_vec());
            key.extend_from_slice(&last);
        }
        key.truncate(length);
        key
    }
}

fn decrypt<C: BlockCipherDecrypt + KeyInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
    cipher.decrypt_padded_vec::<Pkcs7>(data).ok()
}

fn encrypt<C: BlockCipherEncrypt + KeyInit>(key: &[u8], iv: &[u8], data: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<C>::new_from_slices(key, iv)
        .expect("invariant: key and IV have the lengths of their cipher")
        .encrypt_padded_vec::<Pkcs7>(data)
}

#[cfg(test)]
mod tests {
    use super::{Cipher, Encryption};

    /// Recorded from `openssl enc -md md5 -k 'correct horse' -S 0102030405060708 -P`.
    #[test]
    fn keys_are_derived_as_openssl_does() {
        let derived = [
            (
                Cipher::Aes256,
                "bcf8d941d9291141709c9d56360eb7148e3960ab3dc44d832c4028568545c91d",
            ),
            (
                Cipher::DesEde3,
                "bcf8d941d9291141709c9d56360eb7148e3960ab3dc44d83",
            ),
        ];
        for (cipher, key) in derived {
            let iv = (1..).take(cipher.block_length()).collect();
            let found = Encryption { cipher, iv }.derive_key(b"correct horse");
            assert_eq!(data_encoding::HEXLOWER.encode(&found), key);
        }
    }

    #[test]
    fn dek_info_is_read_back_as_it_is_written() {
        let text = "AES-128-CBC,000102030405060708090a0b0c0d0e0f";
        assert_eq!(Encryption::parse(text).unwrap().dek_info(), text);
        let upper = "aes-128-cbc, 000102030405060708090A0B0C0D0E0F";
        assert_eq!(Encryption::parse(upper).unwrap().dek_info(), text);
    }
}
