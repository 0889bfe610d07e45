import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type AddressedUpstream, type Certificate, CertificateError, checkCertificate, UpstreamAddress } from '@seaworthy/http-proxy'
import { ConfigurationError } from 'seaworthy/core'
import type { Checked } from './checked.ts'

/** Reads what the files hold that a configuration names, relative to its folder, and keeps their names. */
export class NamedFiles {
  readonly #folder: string
  readonly paths: string[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  /** @returns '' for a file that cannot be read, which is a problem of the setting */
  text(name: Checked): string {
    const given = name.text(/^[^\0]+$/, 'a file')
    if (given === '') return ''
    const path = resolve(this.#folder, given)
    this.paths.push(path)
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      name.problem(`names a file that cannot be read: ${error instanceof Error ? error.message : String(error)}`)
      return ''
    }
  }
}

/** The certificates of the listener. */
export function readCertificates(tls: Checked, files: NamedFiles): readonly Certificate[] {
  const { certificates } = tls.object('certificates')
  const items = certificates.items()
  if (certificates.isThere && items.length === 0) certificates.problem('has no certificate')
  return items.map((item) => {
    const { certFile, keyFile } = item.object('certFile', 'keyFile')
    const certificate = { cert: files.text(certFile), key: files.text(keyFile) }
    if (certificate.cert === '' || certificate.key === '') return certificate
    try {
      checkCertificate(certificate)
    } catch (error) {
      if (!(error instanceof CertificateError)) throw error
      ;(error.part === 'cert' ? certFile : keyFile).problem(`names a file that ${error.what}`)
    }
    return certificate
  })
}

/** How an upstream is spoken to. */
export function readAddressing(
  { protocol, tls }: { readonly protocol: Checked; readonly tls: Checked },
  { name, urls, files }: { readonly name: string; readonly urls: readonly URL[]; readonly files: NamedFiles },
): Pick<AddressedUpstream, 'protocol' | 'tls'> {
  const spoken = protocol.optional((each) => each.one('http/1.1', 'h2'))
  const verified = tls.optional((each) => {
    const { caFile, serverName } = each.object('caFile', 'serverName')
    const ca = caFile.optional((file) => files.text(file))
    const asked = serverName.optional((text) => text.text(/^[a-z0-9.-]{1,253}$/, 'a host name in lower case'))
    return { ...(ca !== undefined && { ca }), ...(asked !== undefined && { serverName: asked }) }
  })
  const addressing = { ...(spoken !== undefined && { protocol: spoken }), ...(verified !== undefined && { tls: verified }) }
  // Of the file that could not be read, nothing is known; that it could not has been said.
  if (verified?.ca === '') return addressing
  try {
    for (const url of urls) void new UpstreamAddress({ name, url, ...addressing })
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    tls.problem(`cannot be used: ${error.message}`)
  }
  return addressing
}
