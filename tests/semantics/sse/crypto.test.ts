// biome-ignore-all format: a test is a line
import { check, data, everyMnemonicOf } from '../../support/check.ts';

const X = 0x7fff_8000_00ff_ff7f_0102_80fe_fffe_0180n;
const Y = 0x0001_ffff_80ff_0180_7f81_02ff_0003_ff7fn;
const Z = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210n;

check('66 0f 38 dc c1', 'aesenc xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x6855_9ea9_6309_f8b4_853a_b9a8_2842_5b76n }]);
check('66 0f 38 dd c1', 'aesenclast xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0x6376_839c_fc44_cc52_6997_1444_d215_32b2n }]);
check('66 0f 38 de c1', 'aesdec xmm0,xmm1', [{ xmm0: X, xmm1: Y }, { xmm0: 0xc046_4ff0_2927_9553_871c_f547_5a68_7ebbn }]);
check('66 0f 38 df 03', 'aesdeclast xmm0,[rbx]', [{ xmm0: X, rbx: data(0x200), 'm128[0x200]': Y }, { xmm0: 0x7d6b_82ad_ebf3_3beb_2dfc_0bf3_097e_c545n }]);
check('66 0f 38 df 03', 'aesdeclast xmm0,[rbx]', [{ xmm0: X, rbx: data(0x201) }, { fault: '#GP(0)' }]);
check('66 0f 38 db c1', 'aesimc xmm0,xmm1', [{ xmm1: Z }, { xmm0: 0xc66c_8228_4ee4_0aa0_3993_7dd7_b11b_f55fn }]);
check('66 0f 3a df c1 1b', 'aeskeygenassist xmm0,xmm1,0x1b', [{ xmm1: Z }, { xmm0: 0x857c_2675_7c26_6e85_46bb_86ef_bb86_f446n }]);
check('66 0f 38 cf c1', 'gf2p8mulb xmm0,xmm1', [{ xmm0: X, xmm1: Z }, { xmm0: 0x7fc8_fb00_0014_4dc7_fea3_9e2d_3053_32d8n }]);
check('66 0f 3a ce c1 63', 'gf2p8affineqb xmm0,xmm1,0x63', [{ xmm0: X, xmm1: Z }, { xmm0: 0x6c9c_9363_639c_9c6c_6336_6c9c_9c9c_636cn }]);
check('66 0f 3a cf c1 63', 'gf2p8affineinvqb xmm0,xmm1,0x63', [{ xmm0: X, xmm1: Z }, { xmm0: 0x395f_c663_635f_5f39_6350_3950_a050_6339n }]);
check('66 0f 3a 44 c1 00', 'pclmullqlqdq xmm0,xmm1', [{ xmm0: X, xmm1: Z }, { xmm0: 0xff_5e38_fabf_1aec_b69a_4dc5_5dcb_1800n }]);
check('66 0f 3a 44 c1 11', 'pclmulhqhqdq xmm0,xmm1', [{ xmm0: X, xmm1: Z }, { xmm0: 0x70_9e1e_2222_ff22_6e69_965d_087f_b325n }]);
check('0f 3a cc c1 00', 'sha1rnds4 xmm0,xmm1,0', [{ xmm0: X, xmm1: Z }, { xmm0: 0x632a_3185_e39b_2b2f_5ddc_f2ec_56a6_1003n }]);
check('0f 3a cc c1 01', 'sha1rnds4 xmm0,xmm1,1', [{ xmm0: X, xmm1: Z }, { xmm0: 0xa6fd_6e21_cc7d_7fcc_9d57_274f_1b7c_2bc6n }]);
check('0f 3a cc c1 02', 'sha1rnds4 xmm0,xmm1,2', [{ xmm0: X, xmm1: Z }, { xmm0: 0xe328_567d_17ed_c435_e7ed_65ce_248b_6114n }]);
check('0f 3a cc c1 ff', 'sha1rnds4 xmm0,xmm1,-1', [{ xmm0: X, xmm1: Z }, { xmm0: 0x50f4_2bd5_2102_dbe6_d080_0e87_725e_6153n }]);
check('0f 38 c8 c1', 'sha1nexte xmm0,xmm1', [{ xmm0: X, xmm1: Z }, { xmm0: 0x2123_2567_89ab_cdef_fedc_ba98_7654_3210n }]);
check('0f 38 c9 c1', 'sha1msg1 xmm0,xmm1', [{ xmm0: X, xmm1: Z }, { xmm0: 0x7efd_00fe_ff01_feff_0021_c599_7655_cc6fn }]);
check('0f 38 ca c1', 'sha1msg2 xmm0,xmm1', [{ xmm0: X, xmm1: Z }, { xmm0: 0xeca8_9bdf_fc46_8bcf_eead_65dc_26ad_34ben }]);
check('0f 38 cb ca', 'sha256rnds2 xmm1,xmm2', [{ xmm0: X, xmm1: Z, xmm2: Y }, { xmm1: 0xc546_1237_916b_437a_337a_61e3_e2ec_4792n }]);
check('0f 38 cc c1', 'sha256msg1 xmm0,xmm1', [{ xmm0: X, xmm1: Z }, { xmm0: 0xa2a1_b3b3_f000_107e_02c4_412c_5c1b_d6den }]);
check('0f 38 cd c1', 'sha256msg2 xmm0,xmm1', [{ xmm0: X, xmm1: Z }, { xmm0: 0x61af_749e_fd7c_6546_cb21_a962_9f66_6093n }]);

everyMnemonicOf('sse/crypto');
