import type { OpenFile } from '../fs/open-file.ts';
import type { Address } from './address.ts';
import type { Peer } from './socket.ts';

/** Bytes that wait in one direction of a connection before a writer waits (net.core.wmem_default). */
export const CAPACITY = 212_992;

/** What one write sends. */
export interface Message {
  bytes: Uint8Array;
  /** Open files that go along (SCM_RIGHTS), each held once. */
  files: readonly OpenFile[];
  /** Who sent it, for datagrams. */
  readonly from: Address | null;
  readonly sender: Peer;
}

/** One direction: messages that were sent and not received. */
export class Channel {
  readonly messages: Message[] = [];
  size = 0;
  /** Grows whenever something arrives or the sender closes, and whenever something is taken. */
  arrived = 0;
  taken = 0;
  /** Nobody sends any more: what is left can be read, then comes the end. */
  ended = false;
  /** Nobody reads any more. */
  refused = false;

  /** The byte out of band, which stands in the stream too, and whether it was read. */
  urgent: Message | null = null;
  urgentRead = false;

  /** Whether the next byte of the stream is the one out of band. */
  get atMark(): boolean {
    return this.urgent !== null && this.messages[0] === this.urgent;
  }

  putUrgent(message: Message): void {
    // One that was read is no part of the stream.
    const old = this.urgent === null || !this.urgentRead ? -1 : this.messages.indexOf(this.urgent);
    if (old >= 0) {
      this.messages.splice(old, 1);
      this.size--;
    }
    this.urgent = message;
    this.urgentRead = false;
    this.put(message);
  }

  /** Passes the byte out of band, unless it belongs to the stream. */
  skipUrgent(inline: boolean): void {
    if (inline || !this.atMark) return;
    // Unread, it stays until something follows it.
    if (!this.urgentRead && this.messages.length === 1 && !this.ended) return;
    this.messages.shift();
    this.size--;
    this.urgent = null;
  }

  get room(): number {
    return Math.max(0, CAPACITY - this.size);
  }

  put(message: Message): void {
    this.messages.push(message);
    this.size += message.bytes.length;
    this.arrived++;
  }

  /** Takes up to `length` bytes of a stream; files end a piece. `peek` leaves them. */
  takeBytes(length: number, peek: boolean): { readonly bytes: Uint8Array; readonly files: readonly OpenFile[] } {
    const parts: Uint8Array[] = [];
    let files: readonly OpenFile[] = [];
    let done = 0;
    for (let i = 0; done < length && this.messages.length > (peek ? i : 0); i++) {
      const message = this.messages[peek ? i : 0]!;
      if (message.files.length > 0 && (done > 0 || files.length > 0)) break;
      // A read ends before the mark.
      if (message === this.urgent && done > 0) break;
      if (message.files.length > 0) files = message.files;
      const part = message.bytes.subarray(0, length - done);
      parts.push(part);
      done += part.length;
      if (peek) continue;
      this.size -= part.length;
      message.files = [];
      if (message === this.urgent) this.urgent = null;
      if (part.length === message.bytes.length) this.messages.shift();
      else message.bytes = message.bytes.subarray(part.length);
    }
    if (!peek) this.taken++;
    return { bytes: parts.length === 1 ? parts[0]! : Buffer.concat(parts), files };
  }

  /** Takes one whole message. */
  takeMessage(peek: boolean): Message | undefined {
    const message = this.messages[0];
    if (message === undefined || peek) return message;
    this.messages.shift();
    this.size -= message.bytes.length;
    this.taken++;
    return message;
  }

  end(): void {
    this.ended = true;
    this.arrived++;
  }

  /** The reader is gone: what waits is dropped. */
  refuse(): void {
    this.refused = true;
    this.taken++;
    for (const { files } of this.messages) for (const file of files) file.release();
    this.messages.length = 0;
    this.size = 0;
  }
}
