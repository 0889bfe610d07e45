import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { ConfigurationError } from 'seaworthy/core'

/** A certificate and its key, both in PEM. */
export interface Certificate {
  /** The server's own first, then those up to its authority. */
  readonly cert: string
  readonly key: string
}

/** What is wrong with a certificate, and with which of its two parts. */
export class CertificateError extends ConfigurationError {
  readonly part: keyof Certificate
  /** `is no certificate in PEM` */
  readonly what: string

  constructor(part: keyof Certificate, what: string, options?: ErrorOptions) {
    super(`The ${part === 'cert' ? 'certificate' : 'key'} ${what}.`, options)
    this.part = part
    this.what = what
  }
}

/** @throws CertificateError when it is none that a server can show */
export function checkCertificate({ cert, key }: Certificate): X509Certificate {
  const x509 = read('cert', 'is no certificate in PEM', () => new X509Certificate(cert))
  const privateKey = read('key', 'is no private key in PEM without a passphrase', () => createPrivateKey(key))
  if (!x509.checkPrivateKey(privateKey)) throw new CertificateError('key', 'is not that of the certificate')
  return x509
}

function read<T>(part: keyof Certificate, what: string, body: () => T): T {
  try {
    return body()
  } catch (cause) {
    throw new CertificateError(part, what, { cause })
  }
}

interface Entry {
  readonly x509: X509Certificate
  readonly context: SecureContext
}

/** The certificates of a listener, chosen by the name that a client asks for (SNI). */
export class CertificateTable {
  readonly #entries: readonly Entry[]

  /** @param certificates the first is for clients that ask for no name, or for one that none is for. @throws ConfigurationError */
  constructor(certificates: readonly Certificate[]) {
    if (certificates.length === 0) throw new ConfigurationError('A listener with TLS needs a certificate.')
    this.#entries = certificates.map((certificate) => ({ x509: checkCertificate(certificate), context: contextOf(certificate) }))
  }

  contextFor(name: string): SecureContext {
    return (this.#entries.find(({ x509 }) => x509.checkHost(name) !== undefined) ?? this.#entries[0]!).context
  }
}

function contextOf({ cert, key }: Certificate): SecureContext {
  return read('cert', 'cannot be used', () => createSecureContext({ cert, key, minVersion: MIN_VERSION }))
}

/** Older ones have been given up (RFC 8996). */
export const MIN_VERSION = 'TLSv1.2'
