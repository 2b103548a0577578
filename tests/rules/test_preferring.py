"""What customers write when they want to read or to hear, and what only sounds like it."""

from __future__ import annotations

import re._constants as op
import re._parser
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.rules.preferring import _CONCERNS, _RULES, preference, preferred

TEXT = {
    "pt": """prefiro texto
Prefiro por texto
prefiro que seja por escrito
eu prefiro ler
prefiro mensagem de texto
prefiro texto, não áudio
prefiro texto a áudio
prefiro texto do que áudio
prefiro ler do que ouvir
não posso ouvir áudio agora
nao posso ouvir audio
n posso ouvir audio agr
não consigo ouvir áudios no trabalho
não consigo escutar áudio agora
não dá pra ouvir áudio aqui
não tenho como ouvir áudio agora
não posso ouvir agora, manda por escrito
to no trabalho não posso escutar
estou em reunião, não consigo ouvir
não gosto de áudio
não curto áudios
odeio áudio
detesto receber áudio
não ouço áudios
nunca escuto áudio
manda por escrito
me manda por escrito por favor
pode mandar por escrito?
manda em texto pfv
me responde por texto
responde por escrito, por favor
pode responder em texto?
responda só por texto por favor
vc pode escrever em vez de mandar áudio?
escreve em vez de gravar
escreve por favor
pode escrever por favor?
pode digitar?
digita aí pfv
sem áudio por favor
por favor, sem áudio
sem áudios, obrigada
sem mensagem de voz por favor
nada de áudio por favor
não me manda áudio
não mande mais áudios
por favor não mandem áudio
não precisa mandar áudio
não envie mensagens de voz
não quero áudio
não quero receber áudios
para de mandar áudio
pare de me mandar áudio por favor
chega de áudio
evita mandar áudio
evitem áudios por favor
só texto por favor
somente por texto
apenas por escrito, por favor
pode ser por texto
pode ser por escrito mesmo
sou surdo
sou surda, não ouço
sou deficiente auditiva
tenho deficiência auditiva
minha preferência é texto
já falei que prefiro texto
melhor por escrito
queria a resposta por escrito
gostaria de receber por escrito
quero que me responda por escrito
Oi, boa tarde! Não consigo ouvir áudio agora, pode mandar por escrito? Obrigada
áudio não, por favor
áudio não dá pra ouvir agora
meu celular não toca áudio
estou sem fone, manda por escrito
a criança tá dormindo, responde por texto
por texto, por favor
por escrito""",
    "en": """I can't listen to voice messages
I cannot listen to audio right now
cant listen to voice notes at work
I can't listen right now
I'm unable to play audio messages
I can't play voice notes here
text only please
text only
Please text instead of voice
no voice notes please
No audio, please
please no voice messages
don't send voice messages
please do not send me audio
don't send me any more voice notes
stop sending voice notes
stop sending me audio please
I prefer text
I'd prefer text
I prefer reading
I would rather read
I'd rather have it in writing
I prefer text over voice
could you write it instead?
can you type it instead?
can you text instead?
please type
just type please
in writing please
please write it down
can you send it in writing?
please reply in text
answer in text please
respond with text only
can you reply by text?
send it as text
I'm deaf
I am hard of hearing
I don't like voice messages
I hate voice notes
I never listen to voice notes
I don't want voice messages
I don't want audio
text would be better
written please
no more voice notes
I'm in a meeting, can't listen to audio""",
    "es": """no puedo escuchar audios
No puedo escuchar audio ahora
no puedo oír audios en el trabajo
ahora no puedo escuchar
no me es posible escuchar audios
prefiero texto
prefiero por escrito
prefiero leer
prefiero texto antes que audio
mejor por escrito
mejor por texto por favor
mándame por escrito
mandame por texto porfa
envíamelo por escrito
me lo puede mandar por escrito?
puede responder por escrito?
respóndame por texto por favor
contésteme por escrito
sin audio por favor
sin audios, gracias
nada de audios por favor
no me mandes audios
no me mande audios por favor
no envíe notas de voz
no quiero audios
no quiero recibir notas de voz
no me gustan los audios
odio los audios
nunca escucho audios
deja de mandar audios
dejen de enviar notas de voz
ya no mande audios
solo texto por favor
sólo por escrito
escríbame por favor
¿puede escribir en vez de mandar audio?
escribe en lugar de grabar
soy sordo
soy sorda
tengo discapacidad auditiva
quiero la respuesta por escrito
por escrito, por favor
estoy en una reunión, no puedo escuchar audios""",
    "zh": """请打字，不方便听语音
不方便听语音
我现在不方便听语音
听不了语音
我听不了语音，打字吧
没法听语音
不能听语音
不想听语音
不喜欢听语音
我不听语音
别发语音
请不要发语音
不要给我发语音了
别再发语音了
不要语音
不要用语音回复
请打字
麻烦打字
打字就好
打字吧
还是打字吧
请用文字回复
用文字
文字回复就行
发文字
请发文字给我
麻烦发文字
我喜欢看文字
我更喜欢文字
只要文字
文字就好
请写下来
可以打字吗
能打字吗？
能不能用文字说
你能发文字吗
我是聋人
我听力不好
在开会，不方便听
语音听不清，请打字
讨厌语音""",
    "other": """Olha, eu não consigo ouvir áudio no serviço, pode me mandar escrito?
gente prefiro q escreva
não manda áudio pfvr
por favor escreva, não consigo ouvir
poderia escrever por gentileza?
n manda audio n
sou deficiente auditivo, por favor responda por texto
prefiro receber mensagens de texto
me responde escrevendo
responde digitando por favor
não escuto áudio de ninguém
tem como responder por escrito?
dá pra mandar por escrito?
dá pra escrever?
pode me passar por escrito?
manda escrito por favor
escreve pra mim
não posso escutar seus áudios agora
audio agora nao, to em reuniao
só por texto pfv
i can't hear voice messages at work, please write
please don't use voice messages
can you please write instead of sending voice notes
no voice messages pls
Could you please reply in writing?
I'm at work so I can't listen to audio
text is better for me
prefer text please
i prefer written messages
please stop with the voice notes
no puedo escuchar notas de voz en este momento
por favor no me envíen audios
prefiero que me escriban
¿me lo puedes escribir?
mejor escríbeme
escríbame por favor, no puedo escuchar
no me mandes más audios
responde por texto
请用文字
我在上班不方便听语音
能用文字回复吗
不要语音，用文字
打字跟我说吧
我在地铁上听不了语音
别给我发语音了，打字吧
文字沟通吧
我耳朵不好，请打字
escreve aí moço que não tô podendo ouvir
não consigo ouvir áudio, estou no ônibus
odeio quando mandam áudio
nao escuto audio
Por gentileza, responder por escrito.
Peço que responda por texto
gostaria que me respondessem por escrito
não abro áudio
áudio eu não escuto
não ouço bem, pode escrever?
manda msg escrita
melhor escrever
aqui no trabalho não posso ouvir áudio
meu fone quebrou, manda por escrito
não manda mais áudio não
dá pra digitar?
escreva por favor, meu marido está dormindo
please don't send audio
I can't hear the voice note, I'm at work, please type it
could you type please
Only text, no audio
i can't do voice notes right now
not able to listen now
please stop sending voice messages
write me instead
no puedo oír el audio ahora, me lo escribe?
¿podría escribirlo por favor?
no escucho audios
por texto por favor
prefiero mensajes escritos
mándamelo por escrito
请发文字
上班不能听语音
开会中，发文字吧
可以发文字吗
不要再发语音
estou sem fone manda por escrito
no headphones here so please type
manda áudio não
me manda áudio não
prefiro não receber áudio
prefiero no recibir audios
I'd prefer not to get voice notes
I prefer no audio
prefiro sem áudio
quero que pare de mandar áudio
a minha mulher está dormindo, não posso ouvir áudio""",
}
VOICE = {
    "pt": """me manda áudio
me manda um áudio
manda áudio
manda um audio pra mim
pode mandar áudio
pode me mandar áudio?
pode me mandar um áudio por favor?
pode enviar áudio sim
prefiro áudio
prefiro por áudio
prefiro ouvir
prefiro nota de voz
prefiro mensagem de voz
prefiro áudio do que texto
prefiro ouvir a ler
prefiro escutar do que ler
responde por áudio
me responde em áudio por favor
pode responder por áudio?
responda com áudio
me explica por áudio
explica em áudio pfv
fala por áudio
grava um áudio pra mim
pode gravar um áudio me explicando?
quero áudio
quero ouvir por áudio
quero receber áudios
queria receber por áudio
quero a resposta em áudio
gostaria de receber em áudio
por áudio, por favor
em áudio por favor
áudio por favor
só áudio por favor
pode ser por áudio
pode ser áudio
melhor por áudio
manda por áudio que é melhor
me envia uma mensagem de voz
envie uma nota de voz por favor
não manda texto, manda áudio
não precisa escrever, manda áudio
em vez de escrever manda áudio
texto não, manda áudio
sou cego
sou cega, manda áudio
sou deficiente visual
tenho deficiência visual
não enxergo bem, prefiro áudio
não sei ler direito, manda áudio
não consigo ler agora
não posso ler agora, estou dirigindo
não gosto de ler, prefiro ouvir
estou dirigindo, responde por áudio
vocês podem me mandar áudio?
dá pra me mandar em áudio?
consegue me mandar um áudio explicando?
gosto mais de áudio
minha preferência é áudio
manda audio msm
pode mandar em áudio mesmo
adoro áudio, pode mandar
Oi! Estou no carro. Me manda um áudio, por favor""",
    "en": """send me a voice note
please send me a voice message
can you send me a voice note?
could you send audio instead?
you can send audio
feel free to send voice notes
go ahead and send voice messages
voice notes please
voice note, please
audio please
audio only please
I prefer voice messages
I prefer audio
I'd prefer a voice note
I prefer listening
I'd rather listen
I would rather hear it
reply with a voice note
reply with audio please
answer by voice please
please respond with a voice message
can you answer with audio?
record a voice note for me
can you record an audio for me?
explain it in a voice note
tell me in a voice message
I want voice messages
I want a voice note
I'd like a voice note please
I would like to get audio messages
I'm blind
I am visually impaired
I can't read right now, I'm driving
I can't read long texts
don't text, send a voice note
no text please, send audio
stop texting, send me a voice note
voice is better
voice messages are better for me
I like voice notes
by voice please""",
    "es": """mándame un audio
mandame audio
me mandas un audio?
me puede mandar un audio?
¿puedes enviarme un audio?
envíame una nota de voz
envíeme un audio por favor
mándeme un mensaje de voz
puede mandar audio
puedes mandar audios
prefiero audio
prefiero los audios
prefiero escuchar
prefiero por audio
prefiero escuchar que leer
prefiero notas de voz
respóndeme con un audio
respóndame por audio
contésteme con audio por favor
explícamelo por audio
explíqueme en un audio
grábame un audio
quiero audio
quiero un audio
quiero recibir audios
quiero la respuesta en audio
audio por favor
por audio, por favor
solo audio por favor
mejor por audio
mejor un audio
soy ciego
soy ciega
tengo discapacidad visual
no puedo leer ahora
no puedo leer, estoy manejando
no me gusta leer, mándame audio
no escribas, mándame un audio
en vez de escribir mándame un audio
me gustan más los audios
dímelo por audio
me gustaría recibir un audio""",
    "zh": """发语音
请发语音
给我发语音
发语音给我
发个语音吧
请给我发个语音
可以给我发语音吗
能给我发条语音吗？
麻烦发语音给我
语音回复
请用语音回复
用语音回我
用语音说
语音说吧
用语音告诉我
我想听语音
我要语音
我喜欢听语音
我更喜欢语音
还是语音吧
语音就好
只要语音
不要打字，发语音
别打字了，发语音吧
我看不见
我是盲人
我不识字
我不方便看字，发语音
不方便看文字
在开车，请发语音
我在开车，语音回复我
你可以发语音给我
录个语音给我
请录一段语音
发语音消息吧""",
    "other": """manda um audio explicando por favor
responde em áudio que eu tô dirigindo
prefiro que mande áudio
prefiro q me mande audio
pode ser em áudio?
vc pode me responder por audio?
fala comigo por áudio
quero que responda por áudio
gosto de ouvir áudio
pode responder com mensagem de voz
poderia gravar um áudio pra mim?
me explica melhor por audio
sou deficiente visual, prefiro áudio
não consigo ler, sou idosa
minha vista é ruim, manda áudio
manda em audio pra mim por favor
could you please send me an audio message?
please send voice messages instead of text
I'd love a voice note
can you reply by voice?
just send me a voice note
voice message please, I'm driving
i prefer voice
please reply with voice notes
I want to hear it in a voice note
mándame una nota de voz por favor
prefiero que me mandes audios
¿me puedes responder con un audio?
puede responderme por audio?
envíenme un audio
mejor mándame un audio
no puedo leer, envíame un audio
me lo explicas en un audio?
我想听语音回复
请语音回复
给我发个语音吧
发语音给我吧
你给我发语音吧
我喜欢语音
能不能发语音给我？
请用语音告诉我
我眼睛不好，发语音吧
manda áudio aí
me manda áudio por favor, tô dirigindo
pode me mandar por áudio?
me responda com áudio
quero escutar por áudio
pode falar por áudio comigo?
grava aí um áudio
prefiro que você grave um áudio
áudio é melhor
é melhor por áudio
só consigo ouvir, não consigo ler
tô no volante, manda áudio
minha mãe não sabe ler, então manda áudio
estou sem óculos, manda áudio
send an audio please
pls send voice
a voice note would be great
could I get a voice note?
can I get a voice message instead?
voice please
mejor audio
pásame un audio
mándeme audio por favor
¿me manda un audio?
quisiera un audio
estoy manejando, mándame un audio
说语音吧
语音告诉我
发语音行吗，我在开车
请发语音给我
Pode mandar áudio que eu escuto""",
}
EITHER = {
    "pt": """tanto faz texto ou áudio
áudio ou texto, tanto faz
tanto faz, áudio ou texto
pode ser dos dois jeitos
pode ser das duas formas
pode ser texto ou áudio
pode ser áudio ou por escrito
qualquer um, texto ou áudio
texto ou áudio, como preferir
já posso ouvir áudio
agora já consigo ouvir áudios
já dá pra ouvir áudio""",
    "en": """text or voice, either is fine
either text or voice is fine
text or audio, whatever you prefer
I don't mind, voice or text
both text and voice are fine
I can listen to voice notes now""",
    "es": """texto o audio, me da igual
me da igual texto o audio
da lo mismo audio o texto
como prefiera, audio o texto
ya puedo escuchar audios
de las dos formas está bien""",
    "zh": """语音文字都可以
文字或语音都行
语音或者文字都可以
打字语音都行
现在可以听语音了
语音还是文字都无所谓""",
    "other": """pode mandar áudio ou texto, tanto faz
por mim tanto faz áudio ou escrito
text or voice both work
me da igual si es audio o texto
语音或文字都可以""",
}
NEITHER = {
    "pt": """posso mandar um áudio?
posso mandar áudio?
posso enviar áudio aqui?
posso te mandar um áudio explicando?
posso gravar um áudio?
vou mandar um áudio
vou te mandar áudio
já mando um áudio
quero mandar um áudio
prefiro mandar áudio
prefiro falar por áudio com vcs
deixa eu mandar um áudio
mandei um áudio
te mandei um áudio ontem
acabei de mandar áudio
vocês mandam áudio?
vcs respondem por áudio?
vocês respondem áudio?
vocês ouvem áudio?
vcs conseguem ouvir áudio?
dá pra mandar áudio aqui?
dá para mandar áudio por aqui?
se eu mandar áudio vocês escutam?
pode mandar áudio?
aceita áudio?
recebi um áudio de vocês
recebi seu áudio
não recebi o áudio
o áudio não chegou
não entendi o áudio
ouvi o áudio, obrigado
escutei o áudio de vocês
o áudio veio cortado
não mandei áudio nenhum
não era pra mandar áudio, foi sem querer
o áudio do fone é bom?
a caixa de som tem bom áudio?
o fone tem cancelamento e áudio espacial?
a tv ficou sem áudio
o vídeo está sem áudio
comprei uma caixa de som e ela está sem áudio
prefiro áudio bluetooth na caixa de som
quero um cabo de áudio
quero uma interface de áudio
vocês têm audiobook?
vocês vendem livro em áudio?
quero o livro em texto e em áudio
prefiro o livro de texto
quero comprar um gravador de voz
o microfone grava áudio bem?
esse celular manda áudio pelo relógio?
não consigo ouvir nada no fone
não consigo ouvir o som da caixa
texto do anúncio
o texto do anúncio está errado
manda o texto do anúncio
me manda o texto do contrato
qual o texto da estampa?
pode escrever o nome na caneca?
pode escrever feliz aniversário no cartão?
quero texto bordado na camiseta
quero um texto na caneca
posso escrever aqui?
posso digitar o cpf?
digita o código no site?
minha mãe prefere texto
meu marido não pode ouvir áudio
ele só manda áudio
ela não gosta de áudio
meu amigo me manda áudio o dia todo
minha vó só escuta áudio
a vendedora me mandou um áudio
o atendente disse que prefere texto
manda um áudio pra minha mãe
o cliente pediu por escrito
"prefiro texto"
ela disse "me manda áudio"
> prefiro texto
a regra diz “manda por escrito”
tanto faz a cor
tanto faz
como preferir
prefiro azul
prefiro receber na sexta
manda o boleto
me manda uma foto
me responde por favor
não consigo ler o código de barras
não consigo ler o manual, a letra é pequena
tem mensagem de texto de vocês no meu celular?
sem fone não dá
áudio
texto
quero a garantia por escrito
preciso do orçamento por escrito
a garantia vem por escrito?
sou surdo de um ouvido, esse fone serve?
tem livro pra cego?
prefiro o fone sem fio
""",
    "en": """can I send a voice note?
can I send you audio?
may I send a voice message?
could I record a voice note?
I'll send you a voice note
let me send you a voice note
I want to send a voice note
I'd rather send a voice note
I sent you a voice message
I just sent audio
do you send voice messages?
do you accept voice notes?
can you listen to voice notes?
can you hear audio?
I got a voice note from you
I received your voice message
I didn't receive the audio
I didn't get the voice note
the voice note was cut off
I listened to the audio, thanks
is the audio of the headset good?
there is no audio from the speaker
no audio comes out of the left earbud
I prefer wired audio headphones
I want an audio cable
do you sell audiobooks?
I'd like the audio book please
does it have voice control?
I want a voice recorder
the TV has no audio
I can't hear anything in the headphones
I can't read the serial number
text of the ad
the text on the shirt is wrong
send me the text of the contract
I never got the text message
text me when it ships
can you write a name on the mug?
can you write happy birthday on the card?
please type the code again?
my mother prefers text
my husband can't listen to audio
he only sends voice notes
she hates voice notes
my friend sends me voice notes all day
the agent said text only
"text only please"
> I prefer text
she said "send me a voice note"
either color is fine
I don't mind
I prefer blue
send me the invoice
I want the warranty in writing
is the warranty in writing?
my grandfather is deaf, does this phone help?
is it good for blind people?
voice
text""",
    "es": """¿puedo mandar un audio?
puedo enviar una nota de voz?
¿puedo mandarles audio?
voy a mandar un audio
te mando un audio
quiero mandar un audio
prefiero mandar audio
déjame grabar un audio
mandé un audio ayer
les envié una nota de voz
ya te mandé un audio
¿ustedes mandan audios?
¿responden audios?
¿aceptan notas de voz?
¿pueden escuchar audios?
¿se puede mandar audio por aquí?
recibí un audio de ustedes
no recibí el audio
no me llegó el audio
no entendí el audio
ya escuché el audio
el audio se cortó
¿el audio del auricular es bueno?
el televisor está sin audio
el video no tiene audio
quiero un cable de audio
quiero una interfaz de audio
¿venden audiolibros?
quiero el libro en audio
prefiero audífonos con cable
no puedo escuchar nada con los audífonos
¿tiene control por voz?
el texto del anuncio está mal
mándame el texto del contrato
¿puede escribir un nombre en la taza?
¿puedo escribir aquí?
mi mamá prefiere texto
mi marido no puede escuchar audios
él solo manda audios
ella odia los audios
mi amiga me manda audios todo el día
el vendedor me mandó un audio
"prefiero texto"
> prefiero texto
ella dijo “mándame un audio”
me da igual el color
me da igual
prefiero el azul
mándame la factura
quiero la garantía por escrito
no puedo leer el código
texto
audio""",
    "zh": """我可以发语音吗
能发语音吗
可以发语音吗？
我想发语音
我发语音给你
我给你发语音
我发了语音
刚发了一条语音
你们发语音吗
你们能听语音吗
可以听语音吗
支持语音吗
收到语音了
没收到语音
我没收到你的语音
语音听不清
听了你的语音
语音助手怎么用
这个音箱支持语音控制吗
有语音识别功能吗
这款耳机语音清楚吗
我要买语音遥控器
我想要有语音功能的手表
语音包多少钱
杯子上的文字错了
广告文字
杯子可以刻文字吗
打字机多少钱
这个键盘打字舒服吗
我想要打字舒服的键盘
电视没有声音
有有声书吗
我妈妈喜欢语音
他不听语音
我老公不方便听语音
她说请打字
朋友给我发语音
客服让我打字
“请打字”
> 请打字
她说“给我发语音”
都可以
都行
我喜欢蓝色
请发发票
发照片给我
看不清说明书
我看不见订单
语音
文字""",
    "other": """vocês podem ouvir meu áudio?
ouviu meu áudio?
escuta o áudio que mandei
já ouviu o áudio?
vc ouviu meu audio
o áudio ficou ruim, vou escrever
vou escrever então
prefiro escrever
posso escrever em espanhol?
não consigo mandar áudio
não consigo gravar áudio
meu microfone quebrou, não consigo mandar áudio
desculpa o áudio longo
desculpa mandar áudio
segue áudio
ouve aí
o que diz o texto da garantia?
me manda o comprovante por escrito
mandei mensagem de texto e ninguém respondeu
a moça me respondeu por áudio
vocês têm nota fiscal por escrito?
a mensagem de voz da central diz que está fechado
quero gravar uma mensagem de voz no ursinho
esse ursinho grava mensagem de voz?
qual o limite de texto na gravação?
como faço pra mandar áudio?
quero enviar um áudio pro gerente
o rastreio diz texto inválido
can you hear me?
did you listen to my voice note?
sorry for the long voice note
I can't send voice notes
my mic is broken so I can't record audio
I'll type it then
I prefer to type
can I text you?
I'd rather type than talk
what does the text say?
please listen to my voice message
does the toy record voice messages?
how do I send a voice note?
should I send audio?
I hate this product
I don't like the audio quality
please send the audio again
¿escucharon mi audio?
¿ya oyeron mi nota de voz?
perdón por el audio largo
no puedo mandar audio
no puedo grabar notas de voz
prefiero escribir
¿cómo mando un audio?
escuche mi audio por favor
el audio no se oye
le mandé un audio al vendedor
你听了我的语音吗
请听我的语音
我打字慢
我不会打字
我发不了语音
语音发不出去
不好意思发语音了
这个玩具能录语音吗
怎么发语音
我刚才发的语音听到了吗
请问文字可以改吗
我打字告诉你
não enxergo a diferença entre os dois
não sei ler esse código
tenho deficiência visual, esse aparelho fala a hora?
o texto é em português?
vocês fazem áudio descrição?
aceita mensagem de texto?
quero mandar uma mensagem de voz
quero ouvir a música no carro
vou ouvir o áudio e já respondo
espera que tô ouvindo o áudio
não deu pra ouvir o áudio
não consigo baixar o áudio
gravei um áudio explicando
escuta meu áudio por favor
pode ouvir meu áudio?
pode ler meu texto?
leia meu texto
não consigo enviar texto longo
responde meu áudio
responde o áudio que mandei
responda minha mensagem de texto
manda o áudio de novo
pode repetir o áudio?
manda o link
me manda mensagem quando chegar
me manda mensagem amanhã
prefiro ligação
prefiro que me liguem
não quero mais receber mensagens
para de mandar mensagem
quero sair
não me mande mais nada
só quero o texto do certificado
can you read text in Portuguese?
can you write in Spanish?
please write in English
please type faster
write a review
stop texting me
don't text me
no more messages
the audio doesn't work
my audio doesn't work
the voice message says you are closed
what is your voice number?
I heard the voice note
send me a text when it's ready
text me the address
I can listen to music with it?
tell me with a voice of reason
reply to my voice note
answer my voice message please
responde mi audio
respondan mi audio por favor
contesta el audio
escribe en español por favor
escribe más claro
no me mandes más mensajes
mándame un mensaje cuando llegue
quiero escuchar música
请回复我的语音
请听语音
语音消息我听不懂
发图片
用微信发
请写上名字
可以语音下单吗
打字错了
不要发短信
文字太小看不清
me manda a nota fiscal em texto
vocês entregam no interior?
me manda uma mensagem quando tiver estoque
prefiro pagar no pix
melhor mandar por sedex
o aparelho manda áudio pro celular?
a babá eletrônica transmite áudio?
manda um áudio pro seu chefe
dá pra ouvir áudio do whatsapp nele?
esse relógio consegue responder por áudio?
o robô fala por voz?
o brinquedo responde com voz
ele grava áudio?
tem função de mensagem de voz?
não quero o plano com voz
quero plano de voz e dados
só quero saber o preço
posso escolher o texto do cartão?
responda por favor
fala comigo
pode falar
me explica melhor
me liga
me liga por favor, não consigo escrever
escreve meu nome certo
escreve assim: Maria
pode escrever Ana e João
digite 1 para vendas
quero ouvir vocês antes de comprar
prefiro ouvir uma segunda opinião
não consigo ver o texto da página
não li o texto ainda
o pdf está sem texto
sem texto na embalagem
a embalagem vem com texto em braile?
sem voz hoje
estou sem voz
perdi a voz
o áudio do vídeo de vocês não funciona
meu cachorro comeu o cabo
vocês podem enviar por correio?
mandem por motoboy
quero que mande por email
só por whatsapp por favor
can you send it by mail?
please reply
please answer
send me the tracking
I can't hear you
I can't listen to music on it
I want to listen before buying
I prefer to hear the sound first
can I get the text in Spanish?
can I get an audio guide?
do you have voice plans?
is there a voice assistant?
stop
write to me tomorrow
please write to my email
tell me in detail
explain in simple words
send it as a gift
can I have it in writing on the box?
I lost my voice
a voice from the past
do not send yet
please don't send the order
send a message to my husband
type C please
text on a mug please
me puede llamar?
mándeme la foto
responda por favor
prefiero que me llamen
sin texto en la caja
¿lee mensajes de voz?
no escucho bien el altavoz
escríbame su nombre
quiero escuchar cómo suena
mejor por correo
solo quiero saber el precio
没听到
听不到
文字颜色是什么
发快递
请发货
不要发货
用什么语言
请用中文
我喜欢打字机
能听歌吗
语音质量怎么样
给我发个链接
录音笔多少钱
可以写名字吗
看不清图片
não prefiro áudio
no prefiero audio
I don't prefer voice
don't reply by text
não responda por texto
não precisa ser por escrito
我不想打字""",
}


def lines(cases: dict[str, str]) -> list[str]:
    return [line for text in cases.values() for line in text.splitlines() if line]


@pytest.mark.parametrize("text", lines(TEXT))
def test_who_wants_to_read(text: str) -> None:
    assert preference(text) == "text"


@pytest.mark.parametrize("text", lines(VOICE))
def test_who_wants_to_hear(text: str) -> None:
    assert preference(text) == "voice"


@pytest.mark.parametrize("text", lines(EITHER))
def test_who_does_not_mind_any_more(text: str) -> None:
    assert preference(text) == "either"


@pytest.mark.parametrize("text", lines(NEITHER))
def test_who_says_nothing_of_the_kind(text: str) -> None:
    assert preference(text) == ""


def test_there_are_enough_cases() -> None:
    for language, least in {"pt": 60, "en": 30, "es": 30, "zh": 30}.items():
        wishes = lines({language: TEXT[language]}) + lines({language: VOICE[language]})
        assert min(len(wishes), len(lines({language: NEITHER[language]}))) >= least


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], ""),
        (["oi", "tem pix?"], ""),
        (["prefiro texto", "quanto custa?"], "text"),
        (["prefiro texto", "não, manda áudio"], "voice"),
        (["me manda áudio", "aliás, prefiro texto"], "text"),
        (["me manda áudio", "pode ser dos dois jeitos", "obrigado"], "either"),
    ],
)
def test_the_last_wish_of_a_burst_wins(texts: list[str], expected: str) -> None:
    assert preferred(texts) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Me manda áudio. Não, espera: prefiro texto.", "text"),
        ("prefiro texto\nquanto custa o frete?", "text"),
        ("Prefiro texto! Agora sim, me manda um áudio.", "voice"),
    ],
)
def test_the_last_wish_of_a_text_wins(text: str, expected: str) -> None:
    assert preference(text) == expected


@given(st.sampled_from([*lines(TEXT), *lines(VOICE)]), st.sampled_from(["", "Oi! ", "Bom dia. ", "\n", "  "]))
def test_case_greetings_and_white_space_change_nothing(text: str, before: str) -> None:
    assert preference(before + text.upper()) == preference(text)


@given(st.lists(st.sampled_from(lines(NEITHER))))
def test_no_number_of_other_texts_makes_a_wish(texts: list[str]) -> None:
    assert preferred(texts) == ""


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert preference(text) in ("text", "voice", "either", "")


@pytest.mark.parametrize(
    "words",
    [
        "nao me ",
        "prefiro que me ",
        "em vez de me mandar ",
        "send me a ",
        "please ",
        "pode ser ",
        "请发给我",
        " ",
        "a, ",
    ],
)
def test_a_long_text_is_read_in_good_time(words: str) -> None:
    """No pattern may try every way of reading a text: that would take for ever."""
    assert preference(words * 5000) == ""


# -- the look before the rules ---------------------------------------------------------------------


def matched(tree: Iterable[Any], chance: Random) -> str:
    """A text that the pattern finds, but for what it wants around it."""
    text = ""
    for kind, what in tree:
        if kind is op.LITERAL:
            text += chr(what)
        elif kind is op.IN:
            text += next((chr(one) for sort, one in chance.sample(what, len(what)) if sort is op.LITERAL), "x")
        elif kind is op.SUBPATTERN:
            text += matched(what[3], chance)
        elif kind is op.BRANCH:
            text += matched(chance.choice(what[1]), chance)
        elif kind is op.MAX_REPEAT:
            text += "".join(matched(what[2], chance) for _ in range(chance.randint(what[0], min(what[1], what[0] + 1))))
        elif kind not in (op.AT, op.ASSERT, op.ASSERT_NOT, op.NOT_LITERAL):
            raise AssertionError(f"{kind} is new here")
    return text


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule.pattern.pattern[:30])
def test_no_rule_finds_what_the_look_before_it_passed_over(rule: Any) -> None:
    tree = re._parser.parse(rule.pattern.pattern)
    for seed in range(500):
        assert _CONCERNS.search(text := matched(tree, Random(seed))), text
