/** What a message breaks: the grammar, or a limit on its size; or it is of a version, or asks for a protocol, that is not spoken here. */
export type Breach = 'grammar' | 'fields' | 'size' | 'version' | 'protocol'

/** Bytes that are no HTTP/1.1 message by the strict grammar. Whoever reads decides what it means: a client is answered, an upstream is left. */
export class MalformedMessageError extends Error {
  readonly breach: Breach

  constructor(what: string, breach: Breach = 'grammar') {
    super(what)
    this.name = new.target.name
    this.breach = breach
  }
}
