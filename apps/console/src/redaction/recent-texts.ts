const TEXTS_MAX = 5_000
// What is longer hardly comes again.
const LENGTH_MAX = 100

/** Remembers the texts that were seen last, five to ten thousand of them: those that have not come again since as many others go at once, which costs nothing for each. */
export class RecentTexts {
  #recent = new Set<string>()
  #before = new Set<string>()

  has(text: string): boolean {
    if (text.length > LENGTH_MAX) return false
    if (this.#recent.has(text)) return true
    if (!this.#before.has(text)) return false
    this.add(text)
    return true
  }

  /** One that is longer than a hundred characters is not remembered. */
  add(text: string): void {
    if (text.length > LENGTH_MAX) return
    if (this.#recent.size >= TEXTS_MAX) {
      this.#before = this.#recent
      this.#recent = new Set()
    }
    this.#recent.add(text)
  }
}
