"""Topics in Portuguese, of Portugal and Brazil. Data, by rule and group."""

PHRASES: dict[str, dict[str, str]] = {
    "gambling": {
        "game": (
            "cassino; cassino online; casino online; caca niqueis; apostas; jogo do tigrinho; "
            "fortune tiger; aviator"
        ),
        "bonus": (
            "rodadas gratis; giros gratis; bonus de boas vindas; bonus de cadastro; sem deposito; "
            "primeiro deposito"
        ),
        "lure": "jogue agora; ganhe; dinheiro real; saque rapido; saque imediato; cadastre se",
    },
    "prize": {
        "won": "voce ganhou; foi selecionado; foi selecionada; e o vencedor; parabens voce",
        "prize": "iphone; premio; vale presente; loteria; cartao presente",
        "claim": (
            "responda a pesquisa; resgate; reclame o seu; pague somente o frete; pague so; o frete"
        ),
        "pressure": "ultimas unidades; somente hoje; so hoje; expira; ultima chance",
    },
    "loan": {
        "loan": "emprestimo*; credito pessoal; consignado",
        "ease": (
            "mesmo negativado; sem consulta; sem garantia; taxa de #; aprovacao imediata; "
            "cadastro restrito"
        ),
        "apply": "entre em contato; contacte nos; solicite; escreva para",
    },
    "crypto": {
        "coin": "bitcoin*; criptomoeda*; plataforma de investimento",
        "gain": "lucro garantido; rendimento garantido; lucro diario; dobre; duplique; por dia",
        "balance": "seu saldo; sacar; levantamento",
        "act": "cadastre se; registe se; deposite; vagas limitadas; whatsapp",
    },
    "pills": {
        "drug": "disfuncao eretil; ereca*; impotencia; tesao",
        "way": "sem receita; farmacia online; envio discreto; entrega discreta",
        "claim": "menor preco; melhor preco; compre agora; 100 natural",
    },
    "job_lure": {
        "job": (
            "trabalhando em casa; trabalhar em casa; trabalho remoto; renda extra; em casa com"
        ),
        "pay": "por dia; pagamento diario; diariamente; pago diariamente",
        "ease": (
            "sem experiencia; com o celular; pelo telemovel; # minutos; curtir videos; "
            "avaliar hoteis"
        ),
        "contact": "whatsapp; telegram; fale conosco",
    },
    "extortion": {
        "watched": (
            "invadi; hackeei; webcam; gravei; sites pornograficos; site porno; acesso total; "
            "seu dispositivo"
        ),
        "pay": "bitcoin*; btc; minha carteira; envie; transfira; pague",
        "threat": (
            "seus contactos; seus contatos; todos os seus; seus amigos; sua familia; "
            "envio o video; publicar"
        ),
        "clock": "48 horas; 24 horas; 72 horas; policia",
    },
    "credentials": {
        "trouble": (
            "foi bloquead*; foi suspens*; sera bloquead*; sera suspens*; atividade suspeita; "
            "expira; expirou; caixa .. cheia"
        ),
        "confirm": (
            "confirme os; confirme seus; confirmar os; atualize; verifique; reativ*; desbloque*; "
            "valide; validar; inicie sessao"
        ),
        "secrets": (
            "senha; palavra passe; sua conta; seus dados; cartao de credito; dados bancarios; "
            "dados de acesso; homebanking; seu acesso; codigo"
        ),
        "urgency": (
            "imediatamente; proximas 24; proximas 48; 24 horas; 48 horas; caso contrario; "
            "urgente; definitivamente"
        ),
        "click": "clique aqui; clique no; link abaixo; seguinte link",
        "stiff": (
            "caro cliente; prezado cliente; estimado cliente; apoio ao cliente; "
            "motivos de seguranca; departamento de seguranca"
        ),
    },
    "parcel_lure": {
        "parcel": "sua encomenda; encomenda; seu pacote; entrega",
        "stuck": (
            "retida; retido; alfandega; nao foi possivel entregar; nao pode ser entregue; "
            "aguardando; endereco incompleto; morada incompleta"
        ),
        "fee": "pague a; taxa de; taxa; portes; atualize o endereco; confirme a morada",
        "act": "clique aqui; seguinte link; abaixo; rastrear",
        "pressure": "devolvid*; ao remetente; proximas 48; proximas 24; caso contrario",
    },
    "fine_lure": {
        "due": "multa; coima; divida; portagem; portagens",
        "pressure": "sob pena; penhora; agravad*; dentro de 24; proximas 24; ultimo aviso",
        "pay": "pague; pagar; pagamento; regularize",
    },
}
