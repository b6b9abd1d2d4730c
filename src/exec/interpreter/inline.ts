import { parseHexBytes } from '../../bits/hex.ts';
import { decode } from '../../decode/decode.ts';
import type { Insn } from '../../decode/insn.ts';
import { shapeKey } from './shape.ts';

/**
 * One instruction of every shape that has an arm in the dispatcher, most executed first: measured over the benchmark guests
 * and busybox applets. Every other shape works as well, behind an indirect call.
 */
// biome-ignore format: one shape a line
export const INLINE_SAMPLES: readonly string[] = [
  '89 f2', // mov g32 g32
  '75 ed', // jne rel
  '48 83 c2 01', // add g64 i64
  '48 89 d0', // mov g64 g64
  '44 31 f8', // xor g32 g32
  '5d', // pop g64
  '48 8b 54 24 38', // mov g64 m64b
  '74 37', // je rel
  '0f b6 17', // movzx g32 m8b
  '49 39 c1', // cmp g64 g64
  '53', // push g64
  '48 3d ff ff 3f 00', // cmp g64 i64
  '41 8b 75 10', // mov g32 m32b
  '01 ca', // add g32 g32
  '48 01 d0', // add g64 g64
  '4c 29 f6', // sub g64 g64
  '48 89 0c 24', // mov m64b g64
  'eb 17', // jmp rel
  'c3', // ret
  '83 fb 40', // cmp g32 i32
  '76 f1', // jbe rel
  '48 8d 94 24 a8 00 00 00', // lea g64 m0b
  '44 89 54 24 88', // mov m32b g32
  'e8 51 01 00 00', // call rel
  '44 8d 3c 2a', // lea g32 m0x
  '48 81 ec b0 00 00 00', // sub g64 i64
  '66 0f 6f d1', // movdqa v128 v128
  '85 f6', // test g32 g32
  '88 02', // mov m8b g8
  '83 e1 07', // and g32 i32
  '66 41 0f 59 cc', // mulpd v128 v128
  '48 8d 54 c5 f0', // lea g64 m0x
  '48 8b 34 d0', // mov g64 m64x
  '8d 96 d4 fe ff ff', // lea g32 m0b
  '44 21 da', // and g32 g32
  '84 d2', // test g8 g8
  '0f b6 0c 16', // movzx g32 m8x
  '43 8b 04 04', // mov g32 m32x
  '48 c1 e0 04', // shl g64 i8!
  'c6 04 01 01', // mov m8x i8
  '49 31 c1', // xor g64 g64
  '48 85 db', // test g64 g64
  '72 ed', // jb rel
  '0f 29 0c 01', // movaps m128x v128
  'c1 c8 0b', // ror g32 i8!
  '41 c1 c7 07', // rol g32 i8!
  '66 0f 28 c8', // movapd v128 v128
  '66 0f 58 04 02', // addpd v128 m128x
  '66 0f 28 04 01', // movapd v128 m128x
  'f2 0f 59 c4', // mulsd v128 v128
  '73 d4', // jae rel
  'f3 aa', // stos.8 rep g8
  'ff e2', // jmp g64
  '49 89 0c d1', // mov m64x g64
  '66 0f 10 73 e0', // movupd v128 m128b
  '77 db', // ja rel
  'ba ff ff 00 00', // mov g32 i32
  '39 c1', // cmp g32 g32
  '66 41 0f f9 c5', // psubw v128 v128
  'f3 a4', // movs.8 rep
  '03 74 24 14', // add g32 m32b
  '0f 10 66 30', // movups v128 m128b
  '89 4c 17 fc', // mov m32x g32
  '66 0f 71 f7 08', // psllw v128 i8
  '66 0f 74 ca', // pcmpeqb v128 v128
  '29 cb', // sub g32 g32
  '43 03 04 06', // add g32 m32x
  '0f b6 c9', // movzx g32 g8
  '48 ff c2', // inc g64
  '40 88 34 11', // mov m8x g8
  '48 63 40 04', // movsxd g64 m32b
  '0f 29 40 f0', // movaps m128b v128
  '48 c1 ea 23', // shr g64 i8!
  '80 3c 11 00', // cmp m8x i8
  '66 0f 15 c0', // unpckhpd v128 v128
  '48 63 d1', // movsxd g64 g32
  '66 0f d7 d1', // pmovmskb g32 v128
  '0f 28 df', // movaps v128 v128
  '44 39 44 24 1c', // cmp m32b g32
  '66 0f ef cb', // pxor v128 v128
  '0f 11 07', // movups m128b v128
  'c1 ee 0a', // shr g32 i8!
  '48 3b 15 3a 43 0a 00', // cmp g64 m64b
  'c1 e1 05', // shl g32 i8!
  '0f 88 5a 02 00 00', // js rel
  '66 44 0f fe cf', // paddd v128 v128
  '0f 8e 09 01 00 00', // jle rel
  '66 0f db c3', // pand v128 v128
  '0f 8f 9e fe ff ff', // jg rel
  '09 c1', // or g32 g32
  '80 fa ff', // cmp g8 i8
  '66 0f 61 c1', // punpcklwd v128 v128
  '81 b8 e8 2a 00 00 00 80 00 00', // cmp m32b i32
  '48 c1 c2 15', // rol g64 i8!
  'f2 0f 10 0e', // movsd v128 m64b
  'f7 d2', // not g32
  'f3 48 ab', // stos.64 rep g64
  'ff c9', // dec g32
  '41 38 f0', // cmp g8 g8
  '48 83 e1 3f', // and g64 i64
  'f6 c2 02', // test g8 i8
  'f2 41 0f 11 44 24 d8', // movsd m64b v128
  '66 41 0f eb c0', // por v128 v128
  '0f 1f 40 00', // nop m32b
  '8a 06', // mov g8 m8b
  '66 41 0f 69 c9', // punpckhwd v128 v128
  '66 0f 74 0f', // pcmpeqb v128 m128b
  '0f b7 07', // movzx g32 m16b
  '66 0f 72 d3 12', // psrld v128 i8
  'c7 44 24 14 01 00 00 00', // mov m32b i32
  '66 0f 71 d4 08', // psrlw v128 i8
  '79 0f', // jns rel
  '66 44 0f e4 e3', // pmulhuw v128 v128
  '83 c1 08', // add g32 i32
  'f2 0f 58 c8', // addsd v128 v128
  '66 44 0f 5c c9', // subpd v128 v128
  '49 03 14 c6', // add g64 m64x
  '0f 28 5f 20', // movaps v128 m128b
  '48 f7 f6', // div g64
  '81 ea ff ff 00 00', // sub g32 i32
  '66 0f 72 f3 19', // pslld v128 i8
  '41 8a 04 02', // mov g8 m8x
  '33 04 b9', // xor g32 m32x
  '7d 16', // jge rel
  '66 0f 6f 05 20 4c 00 00', // movdqa v128 m128b
  '66 0f da 40 20', // pminub v128 m128b
  '49 b8 ff fe fe fe fe fe fe fe', // mov g64 i64
  '64 48 8b 04 25 28 00 00 00', // mov g64 m64s
  'f3 0f 7e 40 dc', // movq v128 m64b
  '80 7e 01 00', // cmp m8b i8
  'ff 24 d6', // jmp m64x
  '66 41 0f 58 ca', // addpd v128 v128
  'f2 0f 58 43 f0', // addsd v128 m64b
  '48 98', // cdqe
  '4f 63 0c 8a', // movsxd g64 m32x
  '41 ff c6', // inc g32
  '66 45 89 44 4d 00', // mov m16x g16
  '48 09 da', // or g64 g64
  '48 0f af c2', // imul g64 g64
  '64 48 2b 14 25 28 00 00 00', // sub g64 m64s
  '48 ff c9', // dec g64
  '66 41 0f 67 d1', // packuswb v128 v128
  '48 03 70 08', // add g64 m64b
  'd3 ea', // shr g32 g8
  '66 0f fd ca', // paddw v128 v128
  '66 0f fc c9', // paddb v128 v128
  '48 c7 04 24 00 00 00 00', // mov m64b i64
  '47 0f b7 44 45 00', // movzx g32 m16x
  '66 0f 12 0f', // movlpd v128 m64b
  'd3 e7', // shl g32 g8
  'f3 0f 6f 5e 20', // movdqu v128 m128b
  '0f 95 c0', // setne g8
  '66 0f 16 4f 08', // movhpd v128 m64b
  '66 0f 14 c9', // unpcklpd v128 v128
  '66 0f d6 40 f8', // movq m64b v128
  '4c 39 54 24 38', // cmp m64b g64
  'ff 25 e2 3f 0a 00', // jmp m64b
  '41 3b af e4 2a 00 00', // cmp g32 m32b
  'ff d5', // call g64
  'f2 0f 5e f9', // divsd v128 v128
  'f2 0f 5c 63 10', // subsd v128 m64b
  'f2 0f 51 c0', // sqrtsd v128 v128
  '66 0f 2e e9', // ucomisd v128 v128
  'f2 0f 5c c8', // subsd v128 v128
  '4c 0f 44 f0', // cmove g64 g64
  '44 38 7c 02 ff', // cmp m8x g8
  '0f ba 27 0c', // bt m32b i8
  '7c 73', // jl rel
  '4a 33 54 d4 88', // xor g64 m64x
  '66 0f da ec', // pminub v128 v128
  '48 33 30', // xor g64 m64b
  '23 6b 48', // and g32 m32b
  '4c 01 74 24 30', // add m64b g64
  '48 d3 ea', // shr g64 g8
  'ff 43 e0', // inc m32b
  '40 0f 94 c7', // sete g8
  '0f 92 c1', // setb g8
  'f7 c2 ff 0f 00 00', // test g32 i32
  'c1 fa 07', // sar g32 i8!
  '66 0f 70 d2 dd', // pshufd v128 v128 i8
  '66 0f f8 c8', // psubb v128 v128
  '48 0f bc d2', // bsf g64 g64
  'f6 05 08 b5 08 00 80', // test m8b i8
  '41 0f 42 c5', // cmovb g32 g32
  '66 c1 e8 06', // shr g16 i8!
  '83 47 04 01', // add m32b i32
  '66 8b 84 0e 00 00 01 00', // mov g16 m16x
  '66 39 f8', // cmp g16 g16
  '66 05 00 80', // add g16 i16
  '4c 2b 34 c1', // sub g64 m64x
  '0f 97 c0', // seta g8
  '45 19 c9', // sbb g32 g32
  '48 83 7d 10 00', // cmp m64b i64
  'f3 48 a5', // movs.64 rep
  'f3 0f 1e fa', // endbr64
  'ff 4b dc', // dec m32b
  '66 c7 84 10 84 04 00 00 00 00', // mov m16x i16
  'ff 84 94 84 00 00 00', // inc m32x
  '66 0f f4 fa', // pmuludq v128 v128
  '48 ff 40 08', // inc m64b
  '66 0f 6e fe', // movd v128 g32
  '66 0f 2f c8', // comisd v128 v128
  '0f 9f c0', // setg g8
  '48 83 7c d4 88 00', // cmp m64x i64
  '41 d0 ec', // shr g8 i8!
  '4a 39 4c d4 88', // cmp m64x g64
  '4a 0f af 54 d4 88', // imul g64 m64x
  '66 0f fa c1', // psubd v128 v128
  '44 0f a3 c1', // bt g32 g32
  '41 0f af f8', // imul g32 g32
  '4b 01 94 f7 d0 01 00 00', // add m64x g64
  '48 2b 47 10', // sub g64 m64b
  '83 04 91 01', // add m32x i32
  '48 83 d5 00', // adc g64 i64
  '01 83 f4 2a 00 00', // add m32b g32
  '80 cc 40', // or g8 i8
  '66 89 38', // mov m16b g16
  '29 6b 48', // sub m32b g32
  'a4', // movs.8
  '66 0f 1f 44 00 00', // nop m16x
  '48 f7 d9', // neg g64
  '66 44 0f 60 c8', // punpcklbw v128 v128
  'd0 a0 f1 2a 00 00', // shl m8b i8!
  '66 0f d4 d3', // paddq v128 v128
  '66 ff 84 b0 84 04 00 00', // inc m16x
  '0f 10 64 16 f0', // movups v128 m128x
  '41 0b 7c 24 f8', // or g32 m32b
  'c6 40 02 00', // mov m8b i8
  '64 48 83 3c 25 98 ff ff ff 00', // cmp m64s i64
  '48 21 ca', // and g64 g64
  '66 0f de e2', // pmaxub v128 v128
  '0f 47 ce', // cmova g32 g32
  '48 69 d2 dc 00 00 00', // imul g64 g64 i64
  '0f be 4b 01', // movsx g32 m8b
  '2b 43 e4', // sub g32 m32b
  '0f ce', // bswap g32
  '0f 43 c7', // cmovae g32 g32
  '66 85 c9', // test g16 g16
  '64 89 2b', // mov m32s g32
  '44 38 70 01', // cmp m8b g8
  '0f 11 6c 17 e0', // movups m128x v128
  'd3 f8', // sar g32 g8
  '42 39 44 a3 0c', // cmp m32x g32
  '0f 9c c2', // setl g8
  '48 d3 e0', // shl g64 g8
  '7a 04', // jp rel
  '64 8b 2b', // mov g32 m32s
  '48 83 cf 0f', // or g64 i64
  '66 0f 66 d0', // pcmpgtd v128 v128
  '6b ca 1a', // imul g32 g32 i32
  '48 f7 e1', // mul g64
  '66 0f 73 f3 20', // psllq v128 i8
  'f7 d9', // neg g32
  '0f 4f f2', // cmovg g32 g32
  'f3 0f e6 c8', // cvtdq2pd v128 v128
  '83 0b 01', // or m32b i32
  '4c 0f 46 fa', // cmovbe g64 g64
  '49 83 04 c4 01', // add m64x i64
  '0f 9e 44 24 08', // setle m8b
  '41 81 f4 00 20 00 00', // xor g32 i32
  'ff 14 c1', // call m64x
  '66 48 0f 6e c2', // movq v128 g64
  '48 81 f6 ff 00 00 00', // xor g64 i64
  'f2 0f 70 c0 00', // pshuflw v128 v128 i8
  'f3 0f 6f 0c 30', // movdqu v128 m128x
  'f3 45 0f bc c8', // tzcnt g32 g32
  '48 d1 f8', // sar g64 i8!
  'ff 53 40', // call m64b
  '48 d3 fa', // sar g64 g8
  '66 0f 72 e1 03', // psrad v128 i8
  '66 0f 62 ca', // punpckldq v128 v128
  '0f 4c c2', // cmovl g32 g32
  '0f bf 47 30', // movsx g32 m16b
  '66 0f 73 d2 20', // psrlq v128 i8
  'f3 a5', // movs.32 rep
  '90', // nop
  '0f 95 84 24 13 02 00 00', // setne m8b
  '66 0f fe 04 24', // paddd v128 m128b
  '66 0f 71 e2 08', // psraw v128 i8
  '48 3b 04 07', // cmp g64 m64x
  '48 f7 d2', // not g64
  '6a 00', // push i64
  '66 0f 68 c8', // punpckhbw v128 v128
  '66 0f 6c c1', // punpcklqdq v128 v128
  'f2 0f 2a c2', // cvtsi2sd v128 g32
  '48 83 04 24 01', // add m64b i64
  '66 48 0f 7e c6', // movq g64 v128
  '44 0f 45 c7', // cmovne g32 g32
  '91', // xchg g32 g32
  'f3 ab', // stos.32 rep g32
  '43 f6 44 3e 08 01', // test m8x i8
  '0f bc c0', // bsf g32 g32
  '66 c7 80 f0 2a 00 00 00 01', // mov m16b i16
  '88 c5', // mov g8 g8
  '4c 23 54 24 08', // and g64 m64b
  '4a c7 44 e5 00 00 00 00 00', // mov m64x i64
  '0f 1f 44 00 00', // nop m32x
  '40 b7 63', // mov g8 i8
  '4c 0f 42 fb', // cmovb g64 g64
];

/** Instructions given in hexadecimal, decoded, with their shapes' keys. */
export function decodeSamples(samples: readonly string[]): { key: string; insn: Insn }[] {
  return samples.map((hex) => {
    const insn = decode(parseHexBytes(hex));
    if (typeof insn === 'string') throw new Error(`sample ${hex} is ${insn}`);
    return { key: shapeKey(insn), insn };
  });
}
