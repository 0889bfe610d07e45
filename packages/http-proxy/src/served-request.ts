import type { CallContext } from 'seaworthy/core'
import { admit, type Admission, describe, type Peer, publicContext, type Refusal } from './admission.ts'
import type { ConnectionHost } from './connection-host.ts'
import type { RequestHead } from './head.ts'
import { type ObservedOperation, observeRequest, type OperationOutcome } from './observed-operation.ts'
import { RequestAccount } from './request-account.ts'
import type { RequestEnd } from './request-end.ts'

/** A request whose head was read, and whoever hears of its end. */
export class ServedRequest {
  readonly admission: Admission | Refusal
  readonly context: CallContext
  readonly observed: ObservedOperation
  readonly #account: RequestAccount | undefined

  private constructor(
    admission: Admission | Refusal,
    { context, observed, account }: { context: CallContext; observed: ObservedOperation; account: RequestAccount | undefined },
  ) {
    this.admission = admission
    this.context = context
    this.observed = observed
    this.#account = account
  }

  /** Decides what becomes of a request. `begin` runs within what is observed of it. */
  static open(head: RequestHead, peer: Peer, host: ConnectionHost, begin: (request: ServedRequest) => void): void {
    const context = publicContext(head.fields)
    const admission = admit(head, context, peer, host)
    const { destination } = admission
    const account = RequestAccount.open(host, { head, context, peer, destination })
    observeRequest(
      context,
      () => describe(head, { context, destination, scheme: peer.scheme }),
      (observed) => begin(new ServedRequest(admission, { context, observed, account })),
    )
  }

  /** The head of the answer is about to be written. */
  answered(): void {
    this.#account?.answered()
  }

  /** To be called once. */
  end(outcome: RequestEnd['outcome'], told: OperationOutcome): void {
    this.observed.end(told)
    this.#account?.end(outcome, told)
  }
}
