import { evex, type Row } from './row.ts';

const copy: Row['lane'] = (s, i) => s.b[i]!;

evex('vmovdqu8', 8, copy);
evex('vmovdqu16', 16, copy);
evex('vmovups vmovdqu32', 32, copy);
evex('vmovupd vmovdqu64', 64, copy);
evex('vmovaps vmovdqa32', 32, copy, { aligned: true });
evex('vmovapd vmovdqa64', 64, copy, { aligned: true });
evex('vmovntps', 32, copy, { aligned: true });
evex('vmovntpd vmovntdq vmovntdqa', 64, copy, { aligned: true });
evex('vmovd', 32, copy, { scalar: true });
evex('vmovq', 64, copy, { scalar: true });
evex('vmovss', 32, (s) => s.b[0]!, { scalar: true });
evex('vmovsd', 64, (s) => s.b[0]!, { scalar: true });
evex('vmovddup', 64, (s, i) => s.b[i & ~1]!, { whole: true });
evex('vmovsldup', 32, (s, i) => s.b[i & ~1]!, { whole: true });
evex('vmovshdup', 32, (s, i) => s.b[i | 1]!, { whole: true });
