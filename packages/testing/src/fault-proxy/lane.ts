import type { Socket } from 'node:net'
import type { Clock, Random, Timer } from 'seaworthy/core'
import { delayMs, type Effect, nextPiece, type Toxics } from './toxics.ts'

export interface LaneOptions {
  readonly from: Socket
  readonly to: Socket
  readonly toxics: Toxics
  readonly clock: Clock
  readonly random: Random
  /** What is read and not yet written is at most so much, and the last read. */
  readonly bufferBytesMax: number
  readonly onEffect: (effect: Effect) => void
  /** Bytes that went on. */
  readonly onForwarded: (bytes: number) => void
  /** Ends the connection for both ends. */
  readonly onCut: (how: 'close' | 'reset') => void
}

/** What the sender did, in its order: it sent bytes, it ended, or it went away without an end. */
type Item = { readonly dueMs: number; held: boolean } & ({ kind: 'bytes'; bytes: Buffer } | { readonly kind: 'end' | 'reset' })

/**
 * One direction of a connection. What the sender does stands in a queue with the time at which the receiver may see it; a loop takes it from there,
 * piece by piece. Ends and resets queue like bytes do, so that a toxic which holds bytes back hides the sender's death too.
 */
export class Lane {
  readonly #options: LaneOptions
  readonly #queue: Item[] = []
  #toxics: Toxics
  #queuedBytes = 0
  /** Bytes that the present toxics let through. */
  #passedBytes = 0
  /** When the line is free again: bandwidth and gaps. */
  #freeAtMs = 0
  #isClosed = false
  #wake: () => void = () => {}

  constructor(options: LaneOptions) {
    this.#options = options
    this.#toxics = options.toxics
    const { from, to, bufferBytesMax } = options
    from.on('data', (bytes: Buffer) => {
      // Its receiver is gone. A network that says nothing takes the bytes all the same.
      if (this.#isClosed) return
      this.#queuedBytes += bytes.length
      if (this.#queuedBytes >= bufferBytesMax) from.pause()
      this.#arrived({ kind: 'bytes', bytes })
    })
    from.once('end', () => this.#arrived({ kind: 'end' }))
    from.once('close', () => {
      if (!from.readableEnded) this.#arrived({ kind: 'reset' })
    })
    to.once('close', () => this.close())
    void this.#run()
  }

  /** Replaces the toxics in force. What is under way keeps its delay. */
  afflict(toxics: Toxics): void {
    this.#toxics = toxics
    this.#passedBytes = 0
    this.#freeAtMs = 0
    this.#wake()
  }

  /** Forwards nothing from now on. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#options.from.resume()
    this.#wake()
  }

  #arrived(what: { kind: 'bytes'; bytes: Buffer } | { readonly kind: 'end' | 'reset' }): void {
    if (this.#isClosed) return
    const { clock, random, onEffect } = this.#options
    const wantedMs = delayMs(this.#toxics, random)
    if (wantedMs > 0) onEffect('latency')
    // One that is due earlier than what came before it waits in the queue: jitter does not reorder a stream.
    this.#queue.push({ ...what, dueMs: clock.monotonicMs() + wantedMs, held: false })
    this.#wake()
  }

  async #run(): Promise<void> {
    const { clock } = this.#options
    while (!this.#isClosed) {
      const item = this.#queue[0]
      if (item === undefined) {
        await this.#change()
        continue
      }
      if (this.#toxics.halfOpen === true) {
        if (!item.held) this.#options.onEffect('half-open')
        item.held = true
        await this.#change()
        continue
      }
      const waitMs = Math.max(item.dueMs, this.#freeAtMs) - clock.monotonicMs()
      if (waitMs > 0) await this.#change(waitMs)
      else if (item.kind === 'bytes') await this.#forward(item)
      else return this.#finish(item.kind)
    }
  }

  async #forward(item: Item & { kind: 'bytes' }): Promise<void> {
    const { from, to, clock, random, bufferBytesMax, onEffect, onForwarded, onCut } = this.#options
    const { cut } = this.#toxics
    const left = cut === undefined ? Infinity : cut.afterBytes - this.#passedBytes
    const piece = nextPiece(this.#toxics, Math.min(item.bytes.length, left), random)
    let hasRoom = true
    if (piece.bytes > 0) {
      hasRoom = to.write(item.bytes.subarray(0, piece.bytes))
      for (const effect of piece.effects) onEffect(effect)
      onForwarded(piece.bytes)
    }
    this.#passedBytes += piece.bytes
    this.#freeAtMs = clock.monotonicMs() + piece.busyMs
    if (cut !== undefined && this.#passedBytes >= cut.afterBytes) {
      onEffect(cut.how)
      return onCut(cut.how)
    }
    this.#queuedBytes -= piece.bytes
    if (piece.bytes < item.bytes.length) item.bytes = item.bytes.subarray(piece.bytes)
    else this.#queue.shift()
    if (this.#queuedBytes < bufferBytesMax) from.resume()
    while (!hasRoom && !this.#isClosed) {
      await this.#change(undefined, to)
      hasRoom = !to.writableNeedDrain
    }
  }

  #finish(kind: 'end' | 'reset'): void {
    if (kind === 'end') this.#options.to.end()
    else this.#options.to.resetAndDestroy()
  }

  /** Resolves when something arrived or was switched, when `waitMs` have passed, or when `drained` has room again. */
  #change(waitMs?: number, drained?: Socket): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined
      const settle = () => {
        timer?.cancel()
        drained?.off('drain', settle)
        this.#wake = () => {}
        resolve()
      }
      this.#wake = settle
      drained?.once('drain', settle)
      if (waitMs !== undefined) timer = this.#options.clock.timer(waitMs, settle)
    })
  }
}
