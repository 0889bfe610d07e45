import { stat } from 'node:fs/promises'
import type { Clock, Timer } from 'seaworthy/core'

const EVERY_MS = 1_000

/**
 * Notices that a file has changed. It looks every second, because what the operating system tells of depends on how an editor or a
 * configuration map writes: in place, by a rename, or by a link that is turned.
 */
export function watchFile(path: string, { clock, onChange }: { readonly clock: Clock; readonly onChange: () => void }): { stop(): void } {
  let timer: Timer | undefined
  let isStopped = false
  let before = ''
  const look = async (isFirst: boolean) => {
    const seen = await stat(path).then(
      ({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`,
      // In the middle of a replacement it may be away for a moment.
      () => before,
    )
    if (isStopped) return
    if (!isFirst && seen !== before) onChange()
    before = seen
    timer = clock.timer(EVERY_MS, () => void look(false), { keepAlive: false })
  }
  void look(true)
  return {
    stop: () => {
      isStopped = true
      timer?.cancel()
    },
  }
}

/** Watches whatever files a configuration names at the moment. */
export class FileWatches {
  readonly #options: Parameters<typeof watchFile>[1]
  readonly #watches = new Map<string, { stop(): void }>()

  constructor(options: Parameters<typeof watchFile>[1]) {
    this.#options = options
  }

  watch(paths: readonly string[]): void {
    for (const [path, watch] of this.#watches) {
      if (paths.includes(path)) continue
      watch.stop()
      this.#watches.delete(path)
    }
    for (const path of paths) if (!this.#watches.has(path)) this.#watches.set(path, watchFile(path, this.#options))
  }
}
