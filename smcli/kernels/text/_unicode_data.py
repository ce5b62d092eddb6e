"""Facts of the Unicode Character Database 16.0, the edition of TensorFlow Text's ICU, that Python's may lack.

JSON, deflated. Lists hold starts and ends of runs of code points in turn:

    punctuation, ignored         category P; what NFKC_Casefold removes
    terminal, close, open        sentences end with it; a closing, an opening bracket (see sentences.py)
    canonical, compatible        full decompositions of the characters that came after Unicode 13.0
    classes                      their combining classes, where not 0
    folded                       NFKC_Casefold where it is not what Unicode 13.0's tables give
"""

from __future__ import annotations

PACKED = (
    "c-rk*Ns}hIZT&BG&I5Olx=HeGS(_!V^5I*m<d%E7N7LPsrHT3PdJhD0tLpYhVTU6WefVCHFOf_D1VNDX^~0AR-rU}QxV(S$_RYh0{ypa<w<XI`@>"
    "0rD`cnJS!qW26>N4Uo$}-SsOH3KRf?vfC{TA^{_z8Y}iGseM-}!@F2j9VCkT}xPF;eGHA>)VVSpoqgl_-P(AXhk2;ZQ{~p%N%3odCH?WhynPML`I"
    "7S}O*qjZa%4@F}%xg{l^eB9xPYQDjin(3TYP06-)Kn3`gY0Cpq%k_yxX;6aHBvZPuS`jVO`V1OP1AugFlXIh;xDxog9!Xf}2-W2eli2`Pz!~40{0"
    "f74f7@&{7<Pq@N;A;cIP^ANECJ13H&?gWYCb4iPDKan$U@SGJK!{5fSOmxbOb!4~JEpI83{Xdj1WbH{9RO_=f&dCzwJz`>B7_swT5kk&JN(i*CIt"
    "Ywp7C@Hg|tWr3Il*hlTgAUm<vK*BqeYuLnI+Y0Bw;B?E!e2;aJH%EIow|fE+%-Zc~T=_yte_FstXNFaU^d03Hks)dwbE1WXSA0TKeEGejr{>`{?C"
    "CY{Jw4-Luz87)C#Qfx#9Q4mI3tT8K!Vkai@4Z0HfR2aXJ9wHWERi;v&{*NhPK7b6$l;(;H6FZS(rks_58-dg+W$KU$^#PKpSrJYuDdkSocEt<;VM"
    "T%8qN29bM8s4Ql^3Rh%+*c=lj##8V=UE)gUB$;oQ9Hf42p@UPqRKPRfAHr-8D)($JDO_$uKmD{EFyXg4|L{pq{{lkkhCFqFot7z^W)@G)jS;n3Q2"
    "WR$4)v{2+21AY~HfomdnraVRtNDQ2Nn&H|Am<QNq>a?Ttrm!zl+7fH>cGOAS;<z@05KX>vnCW66&%8HPoii%_gVvmULO5>P7JjL3Lifl8R61nJ@0"
    "f4lkr@0pAV$9@K!(I>rKwYkIpCTFN79yCDMpgtf3TBoF`2puDk{5n=h%y~(4Va>0Ql$K-NwIP9Lqnprp&@Z-Qpk#Y${8efMLvy@i6bE$5&14XPo#"
    "X)r_I_`kt0Zsij<c!u`6;+u33Q!MG<es7!=`W;nGrUL`_jiFlNj(E0QUFB6&d!0GZK}+6ZJi<IYIT%y0ZkO4`oUM^~=s$|dqC*DtUVn`A|fCXJG!"
    "Z6;YFvm#@Lh<7vBI}qMRwq!B|LIz8%DB`K~por*2R3QS1*x3>6qS%SZenf2}@`-o~qX!Y=4{TFpdSzh{vGEa+ZDO9OEo*K|bCXW$DQ2Zu=O5;-nz"
    ")POPY?gGJiLGW>Wf!zF0ZW=!SY8o5G_B-S~5hgrO2fexsqbmieMHEeZR?{wstNr?7z{rcJ642J6ht51Gv+}FLS$JH+kPq6ZcPrOc2{nw@vifhMBl"
    "c>R#EoSMmV@X18I^&5;ZG+2*LrW3G<<HaR!PG<KUKmKZleaPT?zz|1|ca$l_62%#>Z?KY;l^`vbB%F1vPi7YvQEaotzZbKvL#xb^yBZhV35amUAd"
    "STlv+KZb76Q*wpOmW1fX+Lkt|K)^VLz$QrtKv-ZZA<u3lX=`H^O?FerH{Hx+A|@Gq82Tb>?~IQ$3(|ec}i}1OKz6X<eboAc$UOwJ1f>tBs5QASrb"
    "%KWP*w@KTB5in3UE;R2AErl#-?wZrMyhvL+%=GV$faQoc>nsOO}C<hCV^uJ}@-=wbeeNCvmpZ{Iy46BGvEf^dK?aOc<#9Vm$hOX5I?vp7Z_+h;M0"
    "nMt+)GL-Wou&hPkU=bJyaV-baRt~br3tR)hsF)P>DYXDr#il5VU2$kB85HBLtW3MIvMM%3QS6FC%gvw|6_aA#m7!gck}U_tsF)P9qDtnf*c7#R&H"
    "8TEcZ<GT^xdNG7JawqyG7qE`fizpZ{L-_S+OYAT`4@)QkWYIQFD!EpB}Z?rF`r&6KSE`wNUO&C7Vh%m24`h`HN>0;*=b_5_x7TQS6FZ3I{Eb>3?8"
    "S%!);^?n-Kvk18KkKB|0F`Ka=`Yh~TE7*4YUf3Xa;4Am8fmZaJiZFiN?+!Qo7g|6~ibOtRt15Z+w8HA|sc71o~yIPV4Eg2b&M3o;i8)|{e40Xzk%"
    "17m+@^SK73bSadNxzcxD_-*EbM`E8D{~L!Z1YT7vs#*ABQgZHtX|+HAm)*%jObIWI$~Btp6ZM!A|+YK6071MGKT`AB9?b9K@>YO#@jC+d5gi_DC)"
    "IE)H{o`-B$Q5h228TGxafx_-UBCYE)n<NlYav`x%p&#ZH!eJy{k%SspTrpE1*V#{6GSEp}E-+gbHbN-cJ_{eMj@ex`nwTIN&TGI*^*oT=rHOfyAg"
    "O7<e>+ov2mga4^%rvH&?Ml8*o6O3%BMN60e%hXcW)DrcC`{@*tdS6qBpM}G-^KX42RWM1EEmcT(F+DIUJU#FjK%7Y;?@~p7AyqIvG)ood6UVDxzI"
    "prA;~iNe@<746Blx)M<)L30mcn~9-lnv`;yti<*UPV{w@x9i*HNsvGxG)0$BY1t_|#^>s<#hwn@BQKF59I{q^EdWL>y~f#6R5h2EWNaEQBJqSXN("
    "9fp*+3Z{EInb>q?L>xYIiQy#wa@QV+3tP|k<o__Hm<RA|VAC_`_cv&B!vdz&S7T{A)Tl+RlBp*e}*1le+NJ&SL>u!`}BK06L!t)OeIf&fS^HIk5s"
    "K~Xe2pshBQTQRmPH>}Rr$^%BzHK7uqaw*i$sZr($wbOQB#jqD>c>A6Or(86-4{lbPpJNac>h+TPi1f*SWV(2-<#~)CQ^?g`2~^o36X>NH;DGPUwn"
    "Ca|LXesk>OsDh^fQ(F%sMS*k4(jqy9vrzSQZ3knX{V?nE?V#!?86Z4xb*#27|IBWgAx8*y=BdgF3!K1OwkYD9CQ7~zUlf5jE6V#HJ|-iK)_u2}6x"
    "tcpDvk^C#By11szJ}bqEWQ1$l%t7Lsj;j%-X-uY=xTfP~#PBgpqPwQuKHFW>%f*OQQ~OF^HMK#zM_6VgJOv+V>U)uHHh0&zIU&avZ3en)y}me(ay"
    "AdcbPrGF<>9)EOStZ0<__xqYiqlM#Vj55_!%G7)t0*v9uQ*sja6Zrnc;4}%rR<kH(#0&(c@5zSl#S|ySe)qQ{QxxXoM@)pNw$DE-vAUU6K*5*swv"
    "PDHd<Ri0Fik5t9=(M$AVyU5q|Pf#zitAVcH$yWXLTzvrE1SwTD0{V%*jz5miX!x9EN8n1ut9qRfw-l3j<>mBO&ciy1}fA1Y?@B{BqgMaW2HTa=-s"
    "KJlCLk)gx9gVu5c!wJN)H~GRAH72je&!u&@N@4_gMac4HTY-mP=kN*4mJ2!?@)t((+&!3Y7o3b4Wf6bLGlhY$ljp_#XHoXdWRY`?@$Br4mIfBp$5"
    "!V`cE&5E1Vmh8O}swa&RU&6P?M<Bxi~<*_rB0ai%#_oe^i6Gu;_+=Hkq%^VOME=bJHQ)%nqxRp%#XT<7Ap7uUJC?ZtI2ZhLW^i`!mY=i;^(*SWau"
    "#dR)jdvTqM+g@Gg;<i`Uxwxfu)%otss<T^KZD(xVXSur0_my#-tLx*tcB$*vUFXO3E!X+tKJ<;d+*T%@BdVoyM74a5s8-Gq)#^E-T02KnlXFD1ev"
    "YU%&JiWy98nU_5hdvyKa$V!Bjp?|@+>ywS!~F&*pO$jA<tr?KZ}jN#)ezb(>YpvgD=B1?BzV~-F2?6PhVrhE$y!JWgWR&jMa5y*ZCT?a(sPx_wMl"
    ">%f=L$^!QJchm@G|ya@|<Ny28@nt5xMO}1{$wl!sK)@@v_8gHhpnYZRPE?0(qjZ4CtvNgLkb7YQ_<)IE{(1ES87q^T5&)u4C7n*5n=1rh%&AK())"
    "|9Q;w-L6lwe4#yZcVpV8e@}}QDAiin1sgu+K#(++O=0rk$inN*e<(vUE6h?5VmE<_Z>f0UYJwIJTSJkC2OnCR<2pr*5q(xid9>B1LSJ*Uoow%of3"
    ";0nXD7{9iI>FYy*@$`o1%@MHoN5eSPPx#n({7&WrKZb;ZSO6;`_GLMiKRaS<)K%9eQNS)i<W7ZUeLSOUGs-Ck)faTg=H6JrvxzH&9f3%g;2Rw=jL"
    "DeY-@O4Fjb`Ofcm6GMz1N4ifsha)|Vjz{`pbUM;kqw|rz8GXDZ8F!=Wk$yC~9qA{dkM}T_VD!<-Sxz@E4^}!GeKcpD8`~&HbLRQ7d9|?8&FG^!7j"
    "tYmnsYJ7mZLcrb8I=8V~#B+bIh^jIB6GiY&}_Nj;$vv&9U`lr8%}9t-P9J>(R=qIkq0nxte3^(VVL}wjRy7nq%wHoU1vu9nHC#W82Z3t2wqE&AFO"
    "m+evTpU^~vv_4fHH<MUO<=c|lA$EyrfI9rP5?dM&B(e+42quY^AM$3`TM)xCKj2=h2PI^nxlWs=GBP~X!Bi)V8M|v22vhrf|$;zwICo6A8pRBwae"
    "X`OVTTfO#O}ZVe?B?%ww6dGO+tJEy{%%JryZO5vt?cIScC@nB{Uz3Ae~ES7Ut-<%mst1xCD!Bq66<MyiS^6<CDwoLFR@<jFR^~Lzr^~l{Uz4x{Uz"
    "2H`%A1h`%A31`%A1Z_m^0|-d|#UwZFuAx4*=CzrV!#u)oCm&HfVWxBE-1|K49>{ceAW_5074Sf4MkK3`&ezQp=-y~O(F58N%0Dg"
)
