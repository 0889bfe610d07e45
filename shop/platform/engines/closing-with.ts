import type { Queue } from 'seaworthy/messaging'

/** The queue, which takes what it stands on along when it closes. */
export function closingWith(queue: Queue, under: { close(): Promise<void> }): Queue {
  const close = queue.close.bind(queue)
  return Object.assign(queue, {
    close: async () => {
      await close()
      await under.close()
    },
  })
}
