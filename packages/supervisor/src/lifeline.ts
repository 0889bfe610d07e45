import { flushCompileCache, getCompileCacheDir } from 'node:module'

/**
 * Loaded into every supervised process before anything else (`--import`): ends the process and its group when the supervisor is
 * gone, and stores the compile cache when told to, after the start, because storing takes time that the start needs.
 *
 * It acts in the supervised process alone. Workers and forked processes load it again with the inherited flags, but no longer find
 * the variable; they have other parents, whose going away means nothing.
 */
if (process.env['SEAWORTHY_LIFELINE'] !== undefined) {
  delete process.env['SEAWORTHY_LIFELINE']
  // The supervisor may have died before this line: then no disconnect will be told.
  if (!process.connected) endGroup()
  process.once('disconnect', endGroup)
  process.on('message', (message: unknown) => {
    const type = typeof message === 'object' && message !== null && 'type' in message ? message.type : undefined
    if (type === 'flush-compile-cache' && getCompileCacheDir() !== undefined) flushCompileCache()
  })
  // A listener keeps the channel, and so the process, alive; whether the process lives is for its own work to decide.
  process.channel?.unref()
}

/** SIGKILL, because an orderly stop would need the logs, the console and the other processes, which are all ending now. */
function endGroup(): void {
  process.kill(0, 'SIGKILL')
}
