import type { Socket } from 'node:net'

/**
 * Takes a side that the other end closes for its leaving, as in HTTP/1: nothing more comes, and what is asked can have no answer. Its end is heard of only
 * where somebody reads; the bytes before it are the session's, which has taken those that were there by the next turn.
 */
export function hearEnd(socket: Socket): void {
  socket.on('end', () => socket.destroy())
  setImmediate(() => socket.resume())
}
