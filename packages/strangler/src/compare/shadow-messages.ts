import type { HeaderLine } from './answer-headers.ts'
import type { ComparatorRules } from './comparator.ts'
import type { SafeRequest } from './safe-request.ts'
import type { ShadowLimits, ShadowReport } from './shadow.ts'
import type { SideAddress, SideMessage } from './side-address.ts'

/** What is compared: a route that moves from the monolith to a service. */
export interface ShadowedRoute {
  /** A URL alone is one of plain HTTP/1.1. */
  readonly monolith: URL | SideAddress
  readonly service: URL | SideAddress
  readonly rules?: ComparatorRules
  readonly limits?: Partial<ShadowLimits>
}

/** The same as it crosses to the thread: addresses as texts. */
export interface RouteMessage extends Omit<ShadowedRoute, 'monolith' | 'service'> {
  readonly monolith: SideMessage
  readonly service: SideMessage
}

export interface AnswerMessage {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: Uint8Array | 'too-large'
  readonly atMs: number
}

/** What the thread begins with. */
export interface ShadowThreadData {
  /** One number: how many requests were offered and are not done with. */
  readonly outstanding: Int32Array<SharedArrayBuffer>
}

/** What the thread is told. */
export type ToShadow =
  | { readonly type: 'route'; readonly id: string; readonly route: RouteMessage }
  | { readonly type: 'remove'; readonly id: string }
  | { readonly type: 'offer'; readonly id: string; readonly request: SafeRequest; readonly answer: AnswerMessage | undefined }
  | { readonly type: 'report'; readonly question: number }

/** What it tells. */
export interface FromShadow {
  readonly type: 'report'
  readonly question: number
  readonly reports: Readonly<Record<string, ShadowReport>>
}
