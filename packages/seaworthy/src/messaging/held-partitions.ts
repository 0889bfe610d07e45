import type { TopicPartition } from './event-log.ts'

/** A partition from when its first record was read until it goes to another member of the group. */
export interface HeldPartition {
  /** Aborted when what has not begun shall not begin any more. */
  readonly signal: AbortSignal
  /** Records of it are on their way through the handler. Call `leave` as often. */
  enter(): void
  leave(): void
}

class Held implements HeldPartition {
  readonly ending = new AbortController()
  readonly signal = this.ending.signal
  #inProgress = 0
  #whenIdle: (() => void) | undefined

  enter(): void {
    this.#inProgress++
  }

  leave(): void {
    this.#inProgress--
    if (this.#inProgress === 0) this.#whenIdle?.()
  }

  async idle(): Promise<void> {
    if (this.#inProgress > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve))
  }
}

/** The partitions that a consumer reads now. One that goes away and comes back is another one: what is left of its first life does not end the second. */
export class HeldPartitions {
  readonly #held = new Map<string, Held>()

  of(partition: TopicPartition): HeldPartition {
    const name = nameOf(partition)
    let held = this.#held.get(name)
    if (held === undefined) this.#held.set(name, (held = new Held()))
    return held
  }

  /** Lets nothing more of them begin. Settles when nothing of them is in progress. */
  async release(partitions: readonly TopicPartition[], reason: unknown): Promise<void> {
    const released = partitions.flatMap((partition) => this.#held.get(nameOf(partition)) ?? [])
    for (const partition of partitions) this.#held.delete(nameOf(partition))
    for (const held of released) held.ending.abort(reason)
    await Promise.all(released.map((held) => held.idle()))
  }

  endAll(reason: unknown): void {
    for (const held of this.#held.values()) held.ending.abort(reason)
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${partition}/${topic}`
}
