/**
 * One instruction of every shape that programs execute but not often enough for an arm of the dispatcher, those that most programs
 * share first: their functions are generated with the build, so that a start need not.
 */
// biome-ignore format: one shape a line
export const COMMON_SAMPLES: readonly string[] = [
  'f4', // hlt
  '0f 05', // syscall
  'f0 0f b1 17', // cmpxchg lock m32b g32
  '41 83 cc ff', // or g32 i32
  '48 0f 4c c5', // cmovl g64 g64
  '0f 44 d0', // cmove g32 g32
  '4c 0f 45 f8', // cmovne g64 g64
  '66 0f 6f 04 38', // movdqa v128 m128x
  '48 0f 4f d0', // cmovg g64 g64
  '48 0f 47 d8', // cmova g64 g64
  '48 0f 43 d8', // cmovae g64 g64
  '0f b7 d7', // movzx g32 g16
  '48 0f 49 c2', // cmovns g64 g64
  '48 99', // cqo
  '49 f7 fb', // idiv g64
  '09 05 1f d5 0a 00', // or m32b g32
  '48 19 db', // sbb g64 g64
  '80 e5 80', // and g8 i8
  '81 25 fb c0 0a 00 ef f7 ff ff', // and m32b i32
  '0f bd c0', // bsr g32 g32
  '48 0f 44 44 24 08', // cmove g64 m64b
  '49 0f 4d f0', // cmovge g64 g64
  '44 3a 06', // cmp g8 m8b
  '66 83 3d c0 d4 fb ff 38', // cmp m16b i16
  '64 80 3c 25 c8 ff ff ff 00', // cmp m8s i8
  '0f a2', // cpuid
  'f0 ff 0d 79 72 0a 00', // dec lock m32b
  '48 f7 74 24 20', // div m64b
  '64 c7 04 25 24 09 00 00 ff ff ff ff', // mov m32s i32
  '64 48 89 04 25 28 00 00 00', // mov m64s g64
  '64 48 c7 04 25 28 09 00 00 00 00 00 00', // mov m64s i64
  '64 88 04 25 11 06 00 00', // mov m8s g8
  '64 c6 04 25 12 06 00 00 01', // mov m8s i8
  '0f 16 84 24 98 00 00 00', // movhps v128 m64b
  '48 83 49 08 04', // or m64b i64
  '48 83 4c 19 08 01', // or m64x i64
  '80 8f 36 03 00 00 40', // or m8b i8
  '66 0f 76 c0', // pcmpeqd v128 v128
  '87 13', // xchg m32b g32
  '0f 01 d0', // xgetbv
  '33 6c 24 08', // xor g32 m32b
  '64 48 33 14 25 30 00 00 00', // xor g64 m64s
  '30 c0', // xor g8 g8
  '66 0f 73 d8 08', // psrldq v128 i8
  '48 87 f7', // xchg g64 g64
  '66 0f 73 fa 02', // pslldq v128 i8
  '64 48 03 04 25 00 00 00 00', // add g64 m64s
  'f7 44 24 10 00 20 01 00', // test m32b i32
  '49 87 1c 24', // xchg m64b g64
  '66 0f 6e 64 24 34', // movd v128 m32b
  '0f be c2', // movsx g32 g8
  '48 0f be 43 02', // movsx g64 m8b
  '0f ba e3 00', // bt g32 i8
  '48 c1 c8 11', // ror g64 i8!
  '48 0f 4e d5', // cmovle g64 g64
  '48 81 65 20 ff 0f 00 00', // and m64b i64
  '66 81 e6 ff 7f', // and g16 i16
  '83 6c 24 18 01', // sub m32b i32
  '80 f4 20', // xor g8 i8
  '48 0f b6 c6', // movzx g64 g8
  '41 20 c1', // and g8 g8
  '48 0f 48 c2', // cmovs g64 g64
  '41 f7 f2', // div g32
  '0f 4d c3', // cmovge g32 g32
  '44 0f 48 c8', // cmovs g32 g32
  '66 81 fe ff 7f', // cmp g16 i16
  '83 7c 84 60 11', // cmp m32x i32
  '08 c2', // or g8 g8
  '49 29 5d 08', // sub m64b g64
  '41 0f 4e c9', // cmovle g32 g32
  '0f 49 d0', // cmovns g32 g32
  '44 09 ac 85 60 08 00 00', // or m32x g32
  '66 42 83 2c 58 01', // sub m16x i16
  '49 f7 c1 00 f0 ff ff', // test g64 i64
  'd9 7c 24 4e', // fnstcw m16b
  'c7 44 82 08 30 00 00 00', // mov m32x i32
  'ff 73 08', // push m64b
  '48 0f c9', // bswap g64
  'db ac 24 90 1d 00 00', // fld m80b
  'd9 c0', // fld st0
  'dd d8', // fstp st0
  'df e9', // fucomip st0 st1
  'd9 c9', // fxch st0 st1
  '0f 80 b9 00 00 00', // jo rel
  '42 0f be 4c 19 ff', // movsx g32 m8x
  'f2 0f 59 4c 24 10', // mulsd v128 m64b
  '0f 93 c0', // setae g8
  '0f 9d c2', // setge g8
  '48 0f a3 c6', // bt g64 g64
  '99', // cdq
  'f0 48 0f b1 15 b6 90 00 00', // cmpxchg lock m64b g64
  'db 3f', // fstp m80b
  '48 f7 eb', // imul g64
  '66 0f 7e c9', // movd g32 v128
  '48 0b 47 f0', // or g64 m64b
  '49 09 86 98 00 00 00', // or m64b g64
  '40 0f 9e c6', // setle g8
  '28 d1', // sub g8 g8
  '41 80 66 10 fe', // and m8b i8
  '48 0f ab f1', // bts g64 g64
  'd8 c0', // fadd st0 st0
  'dc c3', // fadd st3 st0
  'd9 e0', // fchs
  'df 2c 24', // fild m64b
  'df 3c 24', // fistp m64b
  'd9 05 06 69 00 00', // fld m32b
  'dd 01', // fld m64b
  'd9 c1', // fld st1
  'd9 6c 24 4c', // fldcw m16b
  'd9 ee', // fldz
  'd8 0d 10 62 00 00', // fmul m32b
  'd8 c9', // fmul st0 st1
  'd8 ca', // fmul st0 st2
  'dd d9', // fstp st1
  'dd da', // fstp st2
  'de e9', // fsubp st1 st0
  'de eb', // fsubp st3 st0
  'db e9', // fucomi st0 st1
  'db ea', // fucomi st0 st2
  'd9 ca', // fxch st0 st2
  'f7 f9', // idiv g32
  '66 44 8b 10', // mov g16 m16b
  '4c 0f be 24 02', // movsx g64 m8x
  '66 0d fe 3f', // or g16 i16
  '66 0f db 05 76 4c 04 00', // pand v128 m128b
  '66 0f 6a c0', // punpckhdq v128 v128
  '83 d8 ff', // sbb g32 i32
  '41 0f 96 c2', // setbe g8
  '0f 9d 44 24 38', // setge m8b
  '0f 90 c0', // seto g8
  '48 83 6d 08 01', // sub m64b i64
  '66 0f 2e 05 10 2b 00 00', // ucomisd v128 m64b
  'f0 41 0f c1 34 24', // xadd lock m32b g32
  '0f 57 c0', // xorps v128 v128
  '83 d2 ff', // adc g32 i32
  'f2 41 0f 58 04 c1', // addsd v128 m64x
  '4c 23 84 2b a8 00 00 00', // and g64 m64x
  '48 0f bd 44 d0 f8', // bsr g64 m64x
  '48 0f ba ea 34', // bts g64 i8
  '0f 46 e8', // cmovbe g32 g32
  '44 0f 44 44 24 08', // cmove g32 m32b
  '0f 4e 44 24 70', // cmovle g32 m32b
  '66 0f 2f 1d 16 47 00 00', // comisd v128 m64b
  'f2 0f 2c c0', // cvttsd2si g32 v128
  'fe c8', // dec g8
  'd9 e1', // fabs
  'd8 c1', // fadd st0 st1
  'd9 e8', // fld1
  'df e0', // fnstsw g16
  'df e8', // fucomip st0 st0
  '66 0f 7f 84 24 e0 00 00 00', // movdqa m128b v128
  'f3 41 0f 7f 58 07', // movdqu m128b v128
  'f3 41 0f 7f 44 14 f0', // movdqu m128x v128
  'f2 0f 10 5c cf 70', // movsd v128 m64x
  'f2 0f 59 44 c1 f8', // mulsd v128 m64x
  '48 09 7c c5 00', // or m64x g64
  '66 0f db 04 31', // pand v128 m128x
  '66 42 0f eb 84 b4 90 28 00 00', // por v128 m128x
  '48 83 de 01', // sbb g64 i64
  '0f 94 44 24 0f', // sete m8b
  '4c 0f a5 d0', // shld g64 g64 g8
  '41 2b bc 97 f8 19 00 00', // sub g32 m32x
  '48 f7 44 24 18 00 00 01 00', // test m64b i64
  'f0 48 0f c1 15 85 fe 1a 00', // xadd lock m64b g64
  '66 0f 57 c1', // xorpd v128 v128
  '11 c0', // adc g32 g32
  '4c 11 c2', // adc g64 g64
  '80 c1 fe', // add g8 i8
  '66 0f 54 0d b6 e0 02 00', // andpd v128 m128b
  '66 0f 54 f1', // andpd v128 v128
  '48 0f bd c8', // bsr g64 g64
  '49 0f ba e7 35', // bt g64 i8
  '48 0f ba f0 3f', // btr g64 i8
  '48 0f ba 6d 00 34', // bts m64b i8
  '48 0f 45 5c 24 08', // cmovne g64 m64b
  '44 3b 1c 16', // cmp g32 m32x
  'f2 0f c2 ca 02', // cmpsd v128 v128 i8
  'f2 49 0f 2a c6', // cvtsi2sd v128 g64
  'f2 0f 2a 44 24 20', // cvtsi2sd v128 m32b
  'f2 0f 5e 00', // divsd v128 m64b
  'db 04 24', // fild m32b
  'db 1c 24', // fistp m32b
  'db e8', // fucomi st0 st0
  'd9 e5', // fxam
  '69 0d 9e 8f 00 00 0d 66 19 00', // imul g32 m32b i32
  '4c 0f af 93 58 01 00 00', // imul g64 m64b
  '0f 81 a4 07 00 00', // jno rel
  '7b 17', // jnp rel
  '0f 28 54 0e 10', // movaps v128 m128x
  '66 44 0f 50 e0', // movmskpd g32 v128
  'f2 0f 11 04 c2', // movsd m64x v128
  'f3 0f 10 44 24 0c', // movss v128 m32b
  '41 0a 4f 40', // or g8 m8b
  'f0 09 73 1c', // or lock m32b g32
  '66 0f eb 84 24 90 00 00 00', // por v128 m128b
  '1c ff', // sbb g8 i8
  '0f 9a c2', // setp g8
  '4d 29 94 c0 d0 01 00 00', // sub m64x g64
  '66 a9 f8 07', // test g16 i16
  '66 0f 57 05 98 5a 00 00', // xorpd v128 m128b
  '66 44 01 d9', // add g16 g16
  '66 41 03 3a', // add g16 m16b
  '66 42 03 74 07 08', // add g16 m16x
  '66 01 bc 81 64 13 00 00', // add m16x g16
  '66 44 21 c7', // and g16 g16
  '66 43 23 04 66', // and g16 m16x
  '81 64 94 50 ff ff 3f 00', // and m32x i32
  '48 21 8c 24 a8 00 00 00', // and m64b g64
  '66 0f 55 d9', // andnpd v128 v128
  '0f 54 c8', // andps v128 v128
  '4c 0f bd 0a', // bsr g64 m64b
  'fc', // cld
  '48 0f 42 04 24', // cmovb g64 m64b
  '66 3b 82 8e 00 00 00', // cmp g16 m16b
  '3a 0c 06', // cmp g8 m8x
  '66 44 39 13', // cmp m16b g16
  '66 46 39 24 a9', // cmp m16x g16
  '66 41 83 bc 97 66 13 00 00 00', // cmp m16x i16
  'f2 0f c2 0d 6b b8 ed ff 01', // cmpsd v128 m64b i8
  'f3 0f c2 0d 1b c4 ed ff 01', // cmpss v128 m32b i8
  'f3 0f c2 d0 04', // cmpss v128 v128 i8
  'f2 0f 2a 04 86', // cvtsi2sd v128 m32x
  'f3 41 0f 2a c7', // cvtsi2ss v128 g32
  'f3 0f 5a 44 24 24', // cvtss2sd v128 m32b
  'f3 0f 5a c0', // cvtss2sd v128 v128
  'f2 4c 0f 2c c8', // cvttsd2si g64 v128
  '98', // cwde
  'f0 48 ff 08', // dec lock m64b
  '48 ff 88 78 ff ff ff', // dec m64b
  'f7 77 04', // div m32b
  'dc 44 24 10', // fadd m64b
  'd8 c2', // fadd st0 st2
  'dc c2', // fadd st2 st0
  'de c1', // faddp st1 st0
  'de c2', // faddp st2 st0
  'de c3', // faddp st3 st0
  'db f2', // fcomi st0 st2
  'df f1', // fcomip st0 st1
  'de f9', // fdivp st1 st0
  'db 04 91', // fild m32x
  'dc c9', // fmul st1 st0
  'de c9', // fmulp st1 st0
  'de ca', // fmulp st2 st0
  'd9 f8', // fprem
  'd9 5c 24 0c', // fstp m32b
  'dd 5c 24 08', // fstp m64b
  'd8 e1', // fsub st0 st1
  'de e1', // fsubrp st1 st0
  'de e2', // fsubrp st2 st0
  'df ea', // fucomip st0 st2
  'f7 3d 42 5f 07 00', // idiv m32b
  '0f af 04 ba', // imul g32 m32x
  '48 69 04 24 00 ca 9a 3b', // imul g64 m64b i64
  'fe c0', // inc g8
  'f0 48 ff 00', // inc lock m64b
  '66 ff 81 a4 13 00 00', // inc m16b
  '42 fe 04 1e', // inc m8x
  'cc', // int3
  'e3 a9', // jrcxz rel
  '0f ae 54 24 04', // ldmxcsr m32b
  '67 8d 51 ff', // lea g32 m0a
  'c9', // leave.64
  '66 0f 28 0d 76 75 ed ff', // movapd v128 m128b
  '66 41 0f 7e 40 1f', // movd m32b v128
  '66 42 0f 7e 44 15 e0', // movd m32x v128
  '0f 12 d0', // movhlps v128 v128
  '48 a5', // movs.64
  'f3 0f 11 04 24', // movss m32b v128
  '0f bf d2', // movsx g32 g16
  '4d 0f bf e0', // movsx g64 g16
  '48 0f be d3', // movsx g64 g8
  '41 f7 e7', // mul g32
  '4a f7 24 07', // mul m64x
  'f3 0f 59 05 e3 66 00 00', // mulss v128 m32b
  '66 43 0b 5c 28 09', // or g16 m16x
  '0b 74 bc 60', // or g32 m32x
  '08 90 f0 2a 00 00', // or m8b g8
  '66 0f 56 da', // orpd v128 v128
  '66 0f fc 05 60 88 07 00', // paddb v128 m128b
  '66 41 0f df 04 04', // pandn v128 m128x
  '66 42 0f c4 04 5f 01', // pinsrw v128 m16x i8
  'f3 48 0f 1e c8', // rdsspq g64
  '0f 9b c2', // setnp g8
  '0f 99 c1', // setns g8
  '41 c0 e0 05', // shl g8 i8!
  '48 0f a4 c7 0d', // shld g64 g64 i8!
  '4c 0f ad d0', // shrd g64 g64 g8
  '4d 0f ac d1 33', // shrd g64 g64 i8!
  'fd', // std
  '0f ae 5c 24 08', // stmxcsr m32b
  '66 f7 43 20 f8 07', // test m16b i16
  '44 85 34 24', // test m32b g32
  'f3 48 0f bc c9', // tzcnt g64 g64
  'f3 4c 0f bc 06', // tzcnt g64 m64b
  'f3 4f 0f bc 04 29', // tzcnt g64 m64x
  '0f 2e 0d d5 c3 ed ff', // ucomiss v128 m32b
  '0f 0b', // ud2
  '83 74 24 28 01', // xor m32b i32
];
