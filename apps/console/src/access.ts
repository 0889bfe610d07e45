import { hasBearerToken, isSameSecret } from 'seaworthy/http'

/** What of a request says who sent it. */
export interface Credentials {
  /** Of the connection's other end. */
  readonly address: string | undefined
  /** The header `authorization`. */
  readonly authorization: string | undefined
  /** The token that the console's own cookie holds. */
  readonly cookie?: string | undefined
  /** It was passed on by a proxy, whose address says nothing about who asks. */
  readonly isForwarded?: boolean
}

/** Who may ask: everybody on this machine, and from elsewhere whoever has the token. */
export type Access = (credentials: Credentials) => boolean

/** Without a token nobody from elsewhere may; then the console listens on loopback alone. */
export function accessBy(token: string | undefined): Access {
  return (credentials) => {
    if (isOnThisMachine(credentials)) return true
    const { authorization, cookie } = credentials
    if (token === undefined) return false
    return hasBearerToken(authorization, token) || isSameSecret(cookie, token)
  }
}

/** Whether a request began on this machine: not where a proxy here has passed it on. */
export function isOnThisMachine({ address, isForwarded = false }: Credentials): boolean {
  return isLoopback(address ?? '') && !isForwarded
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(address)
}
