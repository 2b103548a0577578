"""What shops and their customers call the same thing, in four languages.

A concept is an extra index word: "estorno", "my money back" and 退款 all also count as `refund`, so a question finds
the paragraph that says it otherwise, and half-way into another language. Words are folded (no accents, lower case) and
stemmed by the reader; a phrase of several words counts before its words do. Only general retail vocabulary belongs here:
a company's own names do not.
"""

from __future__ import annotations

CONCEPTS: dict[str, dict[str, str]] = {
    "return": {
        "pt": "devolver, devolve, devolucao, devolvido, mandar de volta, arrependi, desistir, arrependimento",
        "en": "return, returned, returns, send back, send it back, send something back, bring back, give back, changed my mind",
        "es": "devolver, devolucion, devuelvo, regresar, arrepenti",
        "zh": "退货, 退换, 退吗, 以退, 能退, 想退, 退掉, 寄回",
    },
    "exchange": {
        "pt": "trocar, troca, trocas, trocam, troco, substituir",
        "en": "exchange, swap, replace, replacement, change it for, change for another",
        "es": "cambio, cambiar, cambian, cambiarlo, cambiarla, sustituir",
        "zh": "换货, 退换, 更换, 换别, 能换, 换一, 退换, 调换, 可以换",
    },
    "refund": {
        "pt": "reembolso, reembolsar, reembolsam, estorno, estornar, dinheiro de volta, receber meu dinheiro, "
        "devolvem o dinheiro, devolucao do dinheiro, dinheiro volta, meu dinheiro",
        "en": "refund, refunds, refunded, reimburse, money back, my money",
        "es": "reembolso, reembolsar, reintegro, devuelven el dinero, devuelven la plata, devolucion del dinero, mi dinero, mi plata",
        "zh": "退款, 退钱, 钱退, 返款, 退给我",
    },
    "warranty": {
        "pt": "garantia, garantido",
        "en": "warranty, guarantee, guaranteed",
        "es": "garantia",
        "zh": "保修, 质保, 保修期, 保固",
    },
    "defect": {
        "pt": "defeito, defeituoso, defeitos, quebrado, quebrada, quebrou, quebrar, estragado, estragou, danificado, "
        "rachado, trincado, avariado, amassado, problema, parou de funcionar, nao funciona, nao liga",
        "en": "defect, defective, defects, broken, broke, damaged, faulty, cracked, shattered, not working, doesnt work, "
        "stopped working, problem",
        "es": "defecto, defectuoso, defectos, roto, rota, rompio, danado, fallado, rajado, no funciona, no enciende, problema",
        "zh": "损坏, 坏了, 碎了, 破了, 破损, 故障, 质量问题, 裂了, 瑕疵, 问题商品",
    },
    "missing": {
        "pt": "faltando, falta, faltou, veio sem, incompleto",
        "en": "missing, incomplete, lacks",
        "es": "falta, faltante, incompleto, le falta",
        "zh": "缺少, 少了, 缺了, 缺件",
    },
    "freight": {
        "pt": "frete, taxa de entrega, valor da entrega, custo de envio, valor do envio",
        "en": "shipping, postage, freight, delivery fee, charge for delivery, delivery cost, shipping cost",
        "es": "envio, flete, costo de envio, gastos de envio",
        "zh": "运费, 免运费, 邮费, 快递费, 包邮, 配送费",
    },
    "delivery": {
        "pt": "entrega, entregar, entregas, entregam, envio, enviar, enviam, envia, despachar, despachado, despacho, "
        "mandar, mandam",
        "en": "delivery, deliver, delivers, delivered, shipping, ship, ships, dispatch, dispatched, arrive, mail, courier",
        "es": "entrega, entregar, entregan, envio, enviar, envian, envios, despachar, despacho, llegar, llega, mandan",
        "zh": "配送, 送达, 送货, 发货, 寄往, 寄到, 送到, 派送, 寄出, 到货, 快递, 发到",
    },
    "free": {
        "pt": "gratis, gratuito, gratuita, de graca, sem custo, sem pagar, isento",
        "en": "free, no cost, at no cost, without paying, for nothing",
        "es": "gratis, gratuito, gratuita, sin costo, sin pagar, bonificado",
        "zh": "免费, 免运费, 包邮, 不收",
    },
    "cost": {
        "pt": "custa, custo, custam, preco, precos, valor, valores, quanto fica, quanto e, quanto sai, taxa, cobram, cobra",
        "en": "cost, costs, price, prices, how much, fee, charge, charges",
        "es": "cuesta, costo, cuestan, precio, precios, cuanto sale, cuanto es, valor, tarifa, cobran, cuanto vale",
        "zh": "多少钱, 价格, 费用, 多少费, 收取, 价钱, 收费, 费多少, 怎么卖",
    },
    "minimum": {
        "pt": "a partir de, acima de, valor minimo, minimo, minima",
        "en": "threshold, minimum, over, above, or more, at least",
        "es": "a partir de, desde que monto, minimo, monto minimo, compras desde, por encima",
        "zh": "最低, 起, 订单满, 满多少, 至少",
    },
    "track": {
        "pt": "rastrear, rastreio, rastreamento, acompanhar, acompanho, localizar, cade meu pedido, onde esta meu pedido, "
        "cade o meu pedido, onde esta o meu pedido, codigo de rastreio, status do pedido",
        "en": "track, tracking, trace, where is my order, wheres my order, where is my package, wheres my package, order status, locate",
        "es": "rastrear, seguimiento, rastreo, seguir mi pedido, donde esta mi pedido, estado del pedido, localizar",
        "zh": "物流, 快递单号, 单号, 查询, 查快递, 到哪了, 包裹到哪, 追踪",
    },
    "order": {
        "pt": "pedido, pedidos, encomenda, compra, compras",
        "en": "order, orders, purchase, purchases, package, parcel",
        "es": "pedido, pedidos, orden, compra, compras, paquete",
        "zh": "订单, 包裹, 下单, 购买",
    },
    "package": {"pt": "pacote, encomenda", "en": "package, parcel", "es": "paquete", "zh": "包裹"},
    "cancel": {
        "pt": "cancelar, cancelamento, cancelado, cancelo, desistir",
        "en": "cancel, canceled, cancelled, cancellation, call off",
        "es": "cancelar, cancelacion, cancelado, anular",
        "zh": "取消, 撤销, 不想要",
    },
    "alter": {
        "pt": "alterar, alterado, alteracao, mudar, mudanca, corrigir, errei, errado, modificar, atualizar",
        "en": "change, changed, modify, edit, update, correct, wrong, fix",
        "es": "cambiar, modificar, corregir, equivocado, equivoque, actualizar",
        "zh": "修改, 改地址, 更改, 填错, 写错, 改一下, 变更",
    },
    "address": {
        "pt": "endereco, rua, avenida",
        "en": "address, street, avenue",
        "es": "direccion, calle, avenida",
        "zh": "地址, 街, 路",
    },
    "where": {
        "pt": "endereco da loja, endereco de voces, endereco voces, qual o endereco, qual e o endereco, qual endereco, onde fica, onde voces ficam, onde fica a loja, fica, ficam, localizacao, localizada, como chegar, onde e",
        "en": "store address, your address, shop address, address of the store, located, location, where is the store, where are you, wheres the store, find you, store is at, shop is at, get there, directions",
        "es": "direccion de la tienda, direccion de ustedes, su direccion, cual es la direccion, donde queda, queda, ubicada, ubicacion, donde esta la tienda, donde estan, como llegar, donde se encuentra",
        "zh": "位于, 在哪里, 在哪, 哪里, 哪儿, 怎么去, 位置",
    },
    "store": {
        "pt": "loja, lojas, loja fisica, ponto fisico, showroom",
        "en": "store, shop, physical store, showroom",
        "es": "tienda, local, tienda fisica, sucursal, negocio",
        "zh": "门店, 实体店, 店铺, 你们店, 的店, 店里, 到店, 店在",
    },
    "hours": {
        "pt": "horario, horarios, que horas, funcionamento, funciona, funcionam, expediente",
        "en": "hours, what time, working hours",
        "es": "horario, horarios, que hora, atienden, atiende",
        "zh": "几点, 上班, 下班, 工作时间, 服务时间, 营业时间, 在线",
    },
    "opening": {
        "pt": "abre, abrem, aberto, aberta, abrir, abrimos, fecha, fecham, fechado, fechada, horario da loja",
        "en": "open, opens, opening, close, closes, closed, closing, store hours",
        "es": "abre, abren, abierto, abierta, abrimos, cierra, cierran, cerrado, cerrada",
        "zh": "营业, 开门, 关门, 打烊, 开到, 关店",
    },
    "saturday": {"pt": "sabado, sabados", "en": "saturday, saturdays", "es": "sabado, sabados", "zh": "周六, 星期六, 礼拜六"},
    "sunday": {"pt": "domingo, domingos", "en": "sunday, sundays", "es": "domingo, domingos", "zh": "周日, 星期天, 星期日, 周天, 礼拜天"},
    "weekend": {
        "pt": "fim de semana, final de semana, fds, sabado, domingo",
        "en": "weekend, weekends, saturday, sunday",
        "es": "fin de semana, sabado, domingo",
        "zh": "周末, 周六, 周日",
    },
    "holiday": {"pt": "feriado, feriados", "en": "holiday, holidays", "es": "feriado, feriados, festivo", "zh": "节假日, 假期, 节日, 放假"},
    "pay": {
        "pt": "pagar, pagamento, pagamentos, pago, pagando",
        "en": "pay, payment, payments, paying",
        "es": "pagar, pago, pagos, pagando, abonar",
        "zh": "支付, 付款, 付钱, 结账, 支付方式, 付款方式, 刷卡",
    },
    "accept": {
        "pt": "aceitam, aceita, aceitamos, formas de pagamento, forma de pagamento, meios de pagamento, como posso pagar, como pago",
        "en": "accept, accepts, payment methods, payment options, ways to pay, methods of payment, how can i pay",
        "es": "aceptan, acepta, aceptamos, formas de pago, medios de pago, metodos de pago, como puedo pagar, como pago",
        "zh": "接受, 付款方式, 支付方式, 怎么付款, 怎么支付",
    },
    "giftcard": {
        "pt": "vale presente, vale-presente, cartao presente, gift card",
        "en": "gift card, gift cards, gift voucher, voucher, vouchers",
        "es": "tarjeta de regalo, tarjetas de regalo, gift card, vale de regalo",
        "zh": "礼品卡, 购物卡, 代金券",
    },
    "card": {
        "pt": "cartao, cartoes, credito, debito, visa, mastercard, cartao de credito, cartao de debito, bandeiras",
        "en": "card, cards, credit card, debit card, credit, debit, visa, mastercard",
        "es": "tarjeta, tarjetas, tarjeta de credito, tarjeta de debito, visa, mastercard, credito, debito",
        "zh": "信用卡, 借记卡, 银行卡, 刷卡",
    },
    "instalments": {
        "pt": "parcelar, parcela, parcelas, parcelam, parcelamento, parcelado, dividir, divide, dividem, quantas vezes, em vezes, "
        "sem juros, prestacoes, vezes",
        "en": "instalment, instalments, installment, installments, split, splitting, interest free, pay monthly, monthly payments, pay over time",
        "es": "cuota, cuotas, sin intereses, financiar, financiacion, mensualidades, plazos, a meses",
        "zh": "分期, 分几期, 免息, 期免息, 几期, 分期付款",
    },
    "pix": {"pt": "pix", "en": "pix", "es": "pix", "zh": "pix"},
    "slip": {"pt": "boleto, boletos, boleto bancario", "en": "bank slip, bank slips, boleto", "es": "boleto, boletos", "zh": "银行付款单, 付款单"},
    "discount": {
        "pt": "desconto, descontos, a vista, mais barato",
        "en": "discount, discounts, cheaper, money off, reduction",
        "es": "descuento, descuentos, rebaja, mas barato, al contado",
        "zh": "优惠, 折扣, 打折, 便宜, 减免",
    },
    "invoice": {
        "pt": "nota fiscal, nf, nfe, nota, comprovante",
        "en": "invoice, receipt, tax receipt, fiscal note",
        "es": "factura, comprobante, recibo",
        "zh": "发票, 收据, 开票",
    },
    "gift": {
        "pt": "presente, presentes, presentear, embrulho, embrulham, embrulhamos, embrulhar, embalagem para presente, embalam",
        "en": "gift wrap, gift wrapping, wrapping, wrap, gift",
        "es": "regalo, regalos, envolver, envuelven, envolvemos, envoltorio, papel de regalo",
        "zh": "礼品包装, 包装成礼, 送礼, 礼物, 礼品",
    },
    "pickup": {
        "pt": "retirar, retirada, retiro, retira, buscar, busco, pegar na loja, pego na loja, buscar na loja",
        "en": "pick up, pickup, collect, collection, in person, picked up, pick it up, click and collect",
        "es": "retirar, retiro, recoger, pasar a buscar, buscarlo, buscarla, retirarlo, pasar a buscarlo",
        "zh": "自提, 取货, 去店里拿, 到店取, 自己取, 自取, 店里取, 提货",
    },
    "parking": {"pt": "estacionamento, estacionar, vaga para carro, garagem", "en": "parking, park, car park, garage",
                "es": "estacionamiento, estacionar, parking, aparcamiento, cochera", "zh": "停车, 停车场, 车位"},
    "abroad": {
        "pt": "exterior, outro pais, outros paises, fora do brasil, fora do pais, internacional, internacionalmente, portugal, argentina, "
        "estados unidos, eua, uruguai, paraguai, chile, europa, espanha, franca, italia, alemanha, mexico, china, japao, angola",
        "en": "abroad, overseas, other countries, another country, international, internationally, worldwide, argentina, portugal, "
        "usa, united states, uruguay, paraguay, chile, europe, spain, france, italy, germany, mexico, china, japan, canada",
        "es": "exterior, otro pais, otros paises, fuera de brasil, fuera del pais, internacional, uruguay, argentina, portugal, "
        "estados unidos, paraguay, chile, europa, espana, francia, italia, alemania, mexico, china, japon, colombia, peru",
        "zh": "其他国家, 国外, 海外, 国际, 中国, 美国, 日本, 欧洲, 葡萄牙, 阿根廷, 外国, 出境",
    },
    "brazil": {"pt": "brasil, todo o brasil", "en": "brazil, anywhere in brazil", "es": "brasil, todo brasil", "zh": "巴西, 全境, 全国"},
    "people": {
        "pt": "atendimento, atendimento humano, atendente, suporte, sac, atendem",
        "en": "customer service, support, human support, support team, help desk, customer care",
        "es": "atencion, atencion al cliente, soporte, servicio al cliente, equipo atiende",
        "zh": "客服, 人工客服, 人工, 客户服务, 售后",
    },
    "email": {
        "pt": "e-mail, email, mail, correio eletronico, e mail",
        "en": "e-mail, email, mail address, e mail",
        "es": "correo, correo electronico, e-mail, email, mail, escribir a",
        "zh": "邮箱, 邮件, 电子邮件, 发邮件",
    },
    "phone": {"pt": "telefone, fone, celular, whatsapp, zap, ligar", "en": "phone, telephone, call you, whatsapp, phone number",
              "es": "telefono, celular, whatsapp, llamar, numero de telefono", "zh": "电话, 手机, 微信, 号码"},
    "unused": {"pt": "sem uso, usado, usei, usar", "en": "unused, used", "es": "sin uso, usado, use", "zh": "未使用, 用过, 使用过"},
    "box": {"pt": "embalagem, embalagem original, caixa", "en": "packaging, original packaging, box", "es": "embalaje, embalaje original, caja",
            "zh": "包装, 原包装, 包装箱"},
    "stock": {"pt": "estoque, disponivel, disponibilidade", "en": "stock, in stock, available, availability", "es": "existencias, stock, disponible, disponibilidad",
              "zh": "库存, 有货, 现货"},
    "clearance": {"pt": "saldao, promocao, liquidacao, promocional, outlet", "en": "clearance, sale item, sale items, on sale, outlet", "es": "liquidacion, oferta, rebajas, saldo",
                  "zh": "清仓, 特价, 促销, 打折商品"},
    "custom": {"pt": "personalizado, personalizados, personalizada, sob medida", "en": "personalised, personalized, custom, customised, customized",
               "es": "personalizado, personalizados, personalizada, a medida", "zh": "定制, 个性化, 订做"},
    "color": {"pt": "cor, cores, outra cor", "en": "color, colour, colors, colours", "es": "color, colores", "zh": "颜色, 色"},
    "absent": {"pt": "ninguem em casa, ninguem estiver em casa, nao estava em casa, nao tinha ninguem, nao estiver em casa, ausente",
               "en": "nobody home, nobody is at home, nobody was home, not at home, no one home, not home, no one is home, nobody at home",
               "es": "nadie en casa, no estoy en casa, no estaba en casa, no hay nadie, no habia nadie", "zh": "没有人, 家里没人, 不在家, 没人在家, 没人收"},
    "document": {"pt": "documento, documento com foto, rg, identidade", "en": "id, photo id, identification, document", "es": "documento, identificacion, dni",
                 "zh": "证件, 身份证"},
    "electric": {"pt": "eletrico, eletricos, eletrica, eletrodomestico, chaleira, liquidificador", "en": "electrical, electric, appliance, kettle, blender",
                 "es": "electrico, electricos, electrodomestico, hervidor, licuadora", "zh": "电器, 电水壶, 搅拌机"},
    "capital": {"pt": "capital, capitais", "en": "capital, capitals, major cities, major city, big cities", "es": "capital, capitales", "zh": "首府, 主要城市, 大城市"},
    "inland": {"pt": "interior, demais cidades, outras cidades, cidade pequena, cidades menores", "en": "elsewhere, countryside, other cities, small town, small towns, rural",
               "es": "interior, demas ciudades, otras ciudades, pueblo, pueblos", "zh": "其他城市, 其他地区, 小城市, 乡下, 偏远"},
    "south": {"pt": "sul, sudeste, curitiba, porto alegre, florianopolis, sao paulo, rio de janeiro, belo horizonte, vitoria, parana, santa catarina, minas",
              "en": "south, southeast, curitiba, porto alegre, florianopolis, sao paulo, rio de janeiro, belo horizonte",
              "es": "sur, sudeste, curitiba, porto alegre, florianopolis, sao paulo, rio de janeiro, belo horizonte", "zh": "南部, 东南部, 圣保罗, 里约, 库里蒂巴"},
    "north": {"pt": "outras regioes, nordeste, norte, centro-oeste, salvador, recife, fortaleza, manaus, belem, natal, bahia, brasilia, goiania, cuiaba, maceio",
              "en": "other regions, northeast, north, salvador, recife, fortaleza, manaus, belem, bahia",
              "es": "otras regiones, nordeste, norte, salvador, recife, fortaleza, manaos, bahia", "zh": "其他地区, 东北部, 北部, 累西腓, 萨尔瓦多"},
}

COMMON: dict[str, frozenset[str]] = {
    "pt": frozenset(
        """a o os as um uma uns umas de do da dos das em no na nos nas e ou que com sem para pra pro pras pros por pelo pela se eu me mim
        meu minha meus minhas voce voces ele ela eles elas nos nosso nossa nossos nossas seu sua seus suas isso isto esse essa este esta
        qual quais quem quanto quanta quantos quantas como onde quando porque posso pode podem poder consigo quero queria querer gostaria
        preciso tem ter tenho temos tinha ser sou sao foi era estar esta estao estou ta to ao aos ate ja so tambem muito muita mais menos
        la ai aqui nao sim faco faz fazem fazer da dar dao vai vou vao vem ir algo alguma algum alguem coisa coisas oi ola favor bem bom boa
        entao mas agora hoje demora demoram chega chegou chegar chegam recebo receber veio depois antes ainda tudo todo todos toda qualquer gente saber dizer tempo dia dias prazo existe ha comprei
        tipo acontece gostar funciona produto produtos item empresa ver sobre certo la maximo leva levam quero volta conta""".split()
    ),
    "en": frozenset(
        """the a an of to in on is are be been was were do does did i me my mine you your yours u ur we our us it its what whats when where
        which who how why many much can could may might will would should shall for with without and or if have has had get got at by
        this that these those there here any some no not from as am im id ill ive please need want like know tell let then than so just also
        about something anything thing things long take takes day days time way make made them they he she his her offer offered product
        products item items company now today first max maximum still within after before go going happens work""".split()
    ),
    "es": frozenset(
        """el la los las un una unos unas de del al a y o que en con sin para por si me mi mis yo tu tus usted ustedes su sus nos nuestro
        nuestra se le les lo como cuando donde cual cuales cuanto cuanta cuantos cuantas quien puedo puede pueden poder quiero quisiera
        necesito tengo tiene tienen tener es son ser fue era esta estan estoy estar hay haber hago hace hacen hacer algo alguien alguna algun
        cosa cosas muy mas menos no ya tambien aqui ahi este esta ese esa eso esto hola favor bien bueno buenos buenas ahora hoy despues antes
        todo todos toda cualquier tiempo dia dias plazo compre paso pasa tarda producto productos articulo empresa dan da doy voy va ir
        ver sobre tipo maximo demora llego llega llegar llegan recibo""".split()
    ),
}
COMMON_CHARACTERS = frozenset("的了吗呢吧啊呀我你您他她们是在有可以能怎么办多少什哪里几会请和与之内用到天久个这那就都也还要想把被给对啦嘛么该以后前上下中里个件东西时候现")

COMMON_CHINESE = (
    "什么时候 什么 怎么样 怎么办 怎么 怎样 如何 多久 多少 多长 请问 可以 能不能 可不可以 你们 我们 他们 能否 是否 商品 东西 收到 需要 知道 "
    "告诉 时候 支持 哪些 那边 这边 有没有 自己 现在 一下 想要 已经 还是 或者 如果 的话 今天 时间 公司"
).split()
LIGHT = frozenset(("cost", "pay", "accept", "hours", "order", "store", "delivery", "where", "alter", "free"))
"""Concepts that say little about the subject: "how much is the fridge" is about the fridge."""
