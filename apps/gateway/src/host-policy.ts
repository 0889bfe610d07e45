import { isIP } from 'node:net'
import { RefusedRequestError } from '@seaworthy/http-proxy'
import { ConfigurationError } from 'seaworthy/core'

const NAME = /^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/

/**
 * The names under which a gateway answers. A page on a stranger's name that resolves to the gateway's address (DNS rebinding), and a cache in front
 * that takes two names for two sites, would both get its answers otherwise.
 *
 * `*` is any name; `*.example.com` any below example.com; `local` is localhost, what is below it, and every address written as one. Ports are not looked at.
 */
export class HostPolicy {
  readonly #names = new Set<string>()
  readonly #suffixes: string[] = []
  readonly #isAny: boolean
  readonly #isLocal: boolean

  /** @throws ConfigurationError for what is no name */
  constructor(names: readonly string[]) {
    this.#isAny = names.includes('*')
    this.#isLocal = names.includes('local')
    for (const written of names) {
      const name = written.toLowerCase()
      if (name === '*' || name === 'local') continue
      if (!NAME.test(name) && isIP(name.replace(/^\[(.*)\]$/, '$1')) === 0)
        throw new ConfigurationError(`${written} is no host name: expected example.com, *.example.com, an address, local or *.`)
      if (name.startsWith('*.')) this.#suffixes.push(name.slice(1))
      else this.#names.add(name)
    }
  }

  has(host: string | undefined): boolean {
    if (this.#isAny) return true
    if (host === undefined) return false
    const name = host.replace(/:\d+$/, '').toLowerCase()
    if (this.#names.has(name)) return true
    if (this.#isLocal && (name === 'localhost' || name.endsWith('.localhost') || isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0)) return true
    return this.#suffixes.some((suffix) => name.length > suffix.length && name.endsWith(suffix))
  }

  /** @throws RefusedRequestError: 421 (RFC 9110, section 15.5.20) */
  check(host: string | undefined): void {
    if (!this.has(host))
      throw new RefusedRequestError(
        421,
        `This gateway does not answer for ${host ?? 'a request without a host'}. Its configuration names the hosts that it answers for.`,
      )
  }
}
