import 'ws';

declare module 'ws' {
  /** Exported by `ws` and used here to frame a message once for all its receivers; @types/ws leaves it out. */
  export class Sender {
    static frame(
      data: Buffer,
      options: { fin: boolean; opcode: number; mask: boolean; readOnly: boolean; rsv1: boolean },
    ): Buffer[];
  }
}
