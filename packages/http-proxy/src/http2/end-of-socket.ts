import type { Socket } from 'node:net'

/**
 * Hears that the other end has closed its side of a connection of HTTP/2: nothing more comes. It is heard of only where somebody reads; the bytes before it
 * are the session's, which has taken those that were there by the next turn.
 */
export function hearEnd(socket: Socket, heard: () => void): void {
  socket.on('end', heard)
  setImmediate(() => socket.resume())
}
