import { GroupTakenError } from 'seaworthy/messaging'
import { hashText } from '../kernel/hash.ts'
import type { SharedEngine } from '../world/world.ts'

/** The name of the one event log of a world, as a peer and as a broker. */
export const EVENT_LOG = 'event-log'

/** A record as it lies on the broker's disk. */
export interface StoredRecord {
  readonly partition: number
  readonly offset: number
  readonly appendedAtMs: number
  /** JSON, so that no two readers share an object. */
  readonly text: string
}

/** The broker: its records and the groups' offsets survive everything. */
export class StoredLog implements SharedEngine {
  readonly #partitions: number
  readonly #nowMs: () => number
  readonly #topics = new Map<string, StoredRecord[][]>()
  readonly #topicNames: string[] = []
  readonly #offsets = new Map<string, Map<string, number>>()
  readonly #members = new Map<string, object>()
  readonly #waiting = new Set<() => void>()
  #downUntilMs = 0
  #version = 0

  constructor(options: { readonly partitions?: number; readonly nowMs: () => number }) {
    this.#partitions = options.partitions ?? 2
    this.#nowMs = options.nowMs
  }

  get isDown(): boolean {
    return this.#downUntilMs > this.#nowMs()
  }

  goDown(forMs: number): void {
    this.#downUntilMs = this.#nowMs() + forMs
    // Its readers' connections break: those that wait learn of it.
    this.wake()
  }

  heal(): void {
    this.#downUntilMs = 0
    this.wake()
  }

  /** Changes with every append. */
  get version(): number {
    return this.#version
  }

  /** Topics that were appended to. */
  get topicNames(): readonly string[] {
    return this.#topicNames
  }

  /** All records of a topic, by partition. */
  partitions(topic: string): readonly StoredRecord[][] {
    return this.#topics.get(topic) ?? []
  }

  get groups(): ReadonlyMap<string, ReadonlyMap<string, number>> {
    return this.#offsets
  }

  append(topic: string, texts: readonly { readonly key: string; readonly text: string }[]): void {
    this.#version++
    let partitions = this.#topics.get(topic)
    if (partitions === undefined) {
      partitions = Array.from({ length: this.#partitions }, () => [])
      this.#topics.set(topic, partitions)
      this.#topicNames.push(topic)
    }
    for (const { key, text } of texts) {
      const partition = hashText(key) % partitions.length
      const records = partitions[partition]!
      records.push({ partition, offset: records.length, appendedAtMs: Math.floor(this.#nowMs()), text })
    }
    this.wake()
  }

  offsetsOf(group: string): Map<string, number> {
    let offsets = this.#offsets.get(group)
    if (offsets === undefined) this.#offsets.set(group, (offsets = new Map()))
    return offsets
  }

  join(group: string, member: object): void {
    if (this.#members.has(group)) throw new GroupTakenError(group)
    this.#members.set(group, member)
  }

  leave(group: string, member: object): void {
    if (this.#members.get(group) === member) this.#members.delete(group)
  }

  /** Calls `wake` at the next append, or when the broker goes or comes. @returns a function that stops it */
  onChange(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => this.#waiting.delete(wake)
  }

  wake(): void {
    for (const wake of this.#waiting) wake()
  }
}

/** The name of a partition. */
export function placeOf(topic: string, partition: number): string {
  return `${partition}/${topic}`
}

/** Records that a group has not committed. */
export function lagOf(topic: string, partitions: readonly (readonly StoredRecord[])[], offsets: ReadonlyMap<string, number>): number {
  return partitions.reduce((sum, records, partition) => sum + records.length - (offsets.get(placeOf(topic, partition)) ?? 0), 0)
}
