import { Socket } from 'node:net'

type Done = (error?: Error | null) => void

/**
 * A socket that sends what is written in one turn of the event loop at once. pg writes each statement by itself; a BEGIN and the statements behind it
 * are then one packet, one call of the kernel, and one wake-up of the server. (Under TLS the socket is TLS's own, and this does nothing.)
 */
export class GatheringSocket extends Socket {
  #gathers = false

  override write(data: string | Uint8Array, encodingOrDone?: BufferEncoding | Done, done?: Done): boolean {
    if (!this.#gathers) {
      this.#gathers = true
      this.cork()
      process.nextTick(() => {
        this.#gathers = false
        this.uncork()
      })
    }
    return typeof encodingOrDone === 'string' ? super.write(data, encodingOrDone, done) : super.write(data, encodingOrDone)
  }
}
